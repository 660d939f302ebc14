import { escapeHtml, integer, page, section, table } from "./html.ts";
import { photo } from "./pictures.ts";

/** What a check of a data set found; `DataReport` of the data room is one. */
export interface CheckFindings {
  readonly images: number;
  readonly classes: readonly { readonly label: string; readonly images: number }[];
  readonly problems: readonly {
    readonly kind: string;
    readonly files: readonly string[];
    readonly detail: string;
  }[];
}

/** Problems of a kind that are shown with their pictures; the rest are counted. */
const shownOfEachKind = 60;

/**
 * What was found wrong or odd with a data set as one HTML page that loads nothing: each problem with the pictures it
 * is about, in the order of the findings.
 *
 * @param pictures `data:` addresses by file; files without one are only named.
 */
export function renderCheck(
  name: string,
  findings: CheckFindings,
  pictures: ReadonlyMap<string, string>,
): string {
  const { images, classes, problems } = findings;
  const kinds = [...new Set(problems.map(({ kind }) => kind))];
  const rows = kinds.map((kind) => [
    `<a href="#${escapeHtml(kind)}">${escapeHtml(kind)}</a>`,
    integer(problems.filter((problem) => problem.kind === kind).length),
  ]);
  const found =
    kinds.length === 0 ? "<p>Nothing is wrong with it.</p>" : table(["found", "times"], rows, [1]);
  const list = table(
    ["class", "images"],
    classes.map((row) => [escapeHtml(row.label), integer(row.images)]),
    [1],
  );
  const sections = kinds.map((kind) => {
    const own = problems.filter((problem) => problem.kind === kind);
    const shown = own.slice(0, shownOfEachKind);
    const single = shown.filter(({ files }) => files.length === 1 && pictures.has(files[0]!));
    const grid = single.map(({ files: [file = ""], detail }) =>
      photo(pictures.get(file), `${escapeHtml(detail)}<br><small>${escapeHtml(file)}</small>`),
    );
    const others = shown
      .filter((problem) => !single.includes(problem))
      .map(({ files, detail }) => describeOne(files, detail, pictures));
    const rest =
      own.length > shownOfEachKind
        ? `<p class="soft">And ${own.length - shownOfEachKind} more.</p>`
        : "";
    return section(
      kind,
      `${kind} (${integer(own.length)})`,
      `${others.join("")}<div class="photos">${grid.join("")}</div>${rest}`,
    );
  });
  const head = `<header><h1>${escapeHtml(name)}: ${integer(images)} images of ${classes.length} classes</h1><div class="grid2"><div>${found}</div><div>${list}</div></div></header>`;
  return page(`${name}: what was found`, head + sections.join("\n"));
}

function describeOne(
  files: readonly string[],
  detail: string,
  pictures: ReadonlyMap<string, string>,
): string {
  const named = files.filter((file) => !detail.startsWith(file));
  const seen = named.filter((file) => pictures.has(file));
  const text = seen.length === named.length ? detail : `${named.join(" = ")}: ${detail}`;
  const photos = seen.map((file) =>
    photo(pictures.get(file), `<small>${escapeHtml(file)}</small>`),
  );
  return `<p>${escapeHtml(text)}</p>${photos.length === 0 ? "" : `<div class="photos">${photos.join("")}</div>`}`;
}

/** The files of which {@link renderCheck} shows pictures. */
export function picturedFiles({ problems }: CheckFindings): Set<string> {
  const seen = new Map<string, number>();
  const files = new Set<string>();
  for (const problem of problems) {
    const count = seen.get(problem.kind) ?? 0;
    seen.set(problem.kind, count + 1);
    if (count < shownOfEachKind) for (const file of problem.files) files.add(file);
  }
  return files;
}
