import { z } from "zod";
import { FormatError } from "../../core/errors.ts";
import { parseBoundedJson } from "../boundedJson.ts";
import { checkedJson } from "../checkedJson.ts";
import { concatenate } from "../concatenate.ts";
import { checkRelativePath } from "../fileFolder.ts";
import { modelFiles } from "./modelFolder.ts";

/** Where a model is. */
export interface HubModel {
  /** `timm/resnet18.a1_in1k`. */
  readonly id: string;
  /** Branch, tag or commit; default `main`. */
  readonly revision?: string;
  /** Address of the hub or of a mirror with its layout; default `https://huggingface.co`. */
  readonly endpoint?: string;
  /** For models that are not public. It is sent to the endpoint only, not where that redirects to. */
  readonly token?: string;
}

/** A file of a model on the hub. */
export interface HubFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** What its content must give: SHA-256 of large files, Git's SHA-1 of others. */
  readonly checksum: { readonly kind: "sha256" | "gitSha1"; readonly hex: string };
  readonly url: string;
}

const entryForm = z.object({
  type: z.string(),
  path: z.string(),
  size: z.number().int().min(0),
  oid: z.string(),
  lfs: z.object({ oid: z.string(), size: z.number().int().min(0) }).nullish(),
});

const maxListBytes = 2 ** 24;
const maxPages = 100;

/**
 * The files of a model, by the hub's own list, page after page.
 *
 * Source: the hub's HTTP interface, `GET /api/models/<id>/tree/<revision>?recursive=true`.
 */
export async function listHubFiles(model: HubModel, signal?: AbortSignal): Promise<HubFile[]> {
  const { endpoint, id, revision } = checkModel(model);
  const files: HubFile[] = [];
  let next: string | undefined =
    `${endpoint}/api/models/${id}/tree/${encodeURIComponent(revision)}?recursive=true`;
  for (let page = 0; next !== undefined; page++) {
    if (page === maxPages) throw new FormatError(`${next}: more than ${maxPages} pages of files.`);
    const response = await request(next, model, signal);
    const bytes = await readBody(response, maxListBytes, next);
    const entries = checkedJson(
      z.array(entryForm),
      parseBoundedJson(bytes, next),
      next,
      "a list of files",
    );
    for (const entry of entries) {
      if (entry.type === "file") files.push(hubFile(entry, endpoint, id, revision));
    }
    next = nextPage(response.headers.get("link"), endpoint);
  }
  return files;
}

/** The files of a model that are needed to use it: weights, config, preprocessing, card. */
export function neededFiles(files: readonly HubFile[]): HubFile[] {
  const has = (path: string) => files.some((file) => file.path === path);
  const isShard = (path: string) => /^model-\d+-of-\d+\.safetensors$/.test(path);
  return files.filter(({ path }) => {
    if (path === modelFiles.torchWeights) {
      return !has(modelFiles.weights) && !has(modelFiles.shards);
    }
    if (path === modelFiles.shards || isShard(path)) return !has(modelFiles.weights);
    return Object.values<string>(modelFiles).includes(path);
  });
}

/** One request to the hub; a status that is no success throws with what to do about it. */
export async function request(
  url: string,
  model: HubModel,
  signal?: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const authorization = model.token === undefined ? {} : { authorization: `Bearer ${model.token}` };
  const response = await fetch(url, {
    headers: { ...headers, ...authorization },
    ...(signal === undefined ? {} : { signal }),
  });
  if (response.ok) return response;
  await response.body?.cancel();
  const advice: Readonly<Record<number, string>> = {
    401: "the model is private, gated or does not exist; check the id, or give a token",
    403: "the token may not read it; accept the model's terms on the hub",
    404: "there is no such model, revision or file; check the id",
    429: "too many requests; wait a while",
  };
  throw new FormatError(
    `${url}: status ${response.status} ${response.statusText}: ${advice[response.status] ?? "try again later"}.`,
  );
}

function checkModel(model: HubModel): { endpoint: string; id: string; revision: string } {
  const { id, revision = "main", endpoint = "https://huggingface.co" } = model;
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(id) || id.includes("..")) {
    throw new FormatError(
      `hub: "${id}" is no id of a model; expected one like "timm/resnet18.a1_in1k".`,
    );
  }
  if (!/^https?:\/\//.test(endpoint)) {
    throw new FormatError(
      `hub: endpoint "${endpoint}"; expected an address that begins with https://.`,
    );
  }
  return { endpoint: endpoint.replace(/\/+$/, ""), id, revision };
}

function hubFile(
  entry: z.infer<typeof entryForm>,
  endpoint: string,
  id: string,
  revision: string,
): HubFile {
  const path = checkRelativePath(entry.path, `${endpoint}/${id}`);
  const place = path.split("/").map(encodeURIComponent).join("/");
  const url = `${endpoint}/${id}/resolve/${encodeURIComponent(revision)}/${place}`;
  if (entry.lfs) {
    const checksum = { kind: "sha256" as const, hex: entry.lfs.oid };
    return { path, sizeBytes: entry.lfs.size, checksum, url };
  }
  return { path, sizeBytes: entry.size, checksum: { kind: "gitSha1", hex: entry.oid }, url };
}

/** `<https://…?cursor=…>; rel="next"`, followed only at the same endpoint. */
function nextPage(link: string | null, endpoint: string): string | undefined {
  const [, url] = /<([^>]+)>;\s*rel="next"/.exec(link ?? "") ?? [];
  if (url === undefined) return undefined;
  if (!url.startsWith(`${endpoint}/`)) {
    throw new FormatError(
      `${endpoint}: its list of files goes on elsewhere (${url.slice(0, 200)}).`,
    );
  }
  return url;
}

/** The body of a response, or an error as soon as it is longer than `maxBytes`. */
async function readBody(response: Response, maxBytes: number, where: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of bodyChunks(response)) {
    total += chunk.length;
    if (total > maxBytes) {
      throw new FormatError(`${where}: more than ${maxBytes} bytes of answer; none is that long.`);
    }
    chunks.push(chunk);
  }
  return concatenate(chunks);
}

/** The chunks of a body as they arrive; leaving the loop early ends the connection. */
export async function* bodyChunks(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
