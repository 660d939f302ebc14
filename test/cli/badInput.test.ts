import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runCommandLine } from "../../src/cli/program.node.ts";
import { writeSample } from "../../src/data/sets/sample.node.ts";
import { striate, workFolder } from "./commandLine.ts";

const photos = join(workFolder, "photos");
const fast = ["--net", "lenet5", "--input", "32x32x3", "--epochs", "1", "--threads", "1"];

/** A copy of some class folders, with so many images of each. */
async function subset(name: string, classes: Readonly<Record<string, number>>): Promise<string> {
  const folder = join(workFolder, name);
  for (const [label, count] of Object.entries(classes)) {
    await mkdir(join(folder, label), { recursive: true });
    const files = (await readdir(join(photos, label))).sort().slice(0, count);
    for (const file of files) await cp(join(photos, label, file), join(folder, label, file));
  }
  return folder;
}

function train(data: string, name: string, ...more: string[]) {
  return striate(["train", data, ...fast, "--out", join(workFolder, "runs", name), ...more]);
}

beforeAll(async () => {
  await writeSample(photos, { imagesPerClass: 8, size: 32 });
});

afterAll(async () => {
  await rm(workFolder, { recursive: true, force: true });
});

describe("train stops with exit code 1 and says what to do", () => {
  it("at a folder that is not there", async () => {
    const { code, stderr } = await train(join(workFolder, "nowhere"), "nowhere");
    expect(code).toBe(1);
    expect(stderr).toContain("nowhere");
  });

  it("at an empty folder", async () => {
    await mkdir(join(workFolder, "empty"));
    const { code, stderr } = await train(join(workFolder, "empty"), "empty");
    expect(code).toBe(1);
    expect(stderr).toContain("the folder is empty; expected one folder per class");
  });

  it("at one class", async () => {
    const { code, stderr } = await train(await subset("oneClass", { fish: 8 }), "oneClass");
    expect(code).toBe(1);
    expect(stderr).toContain('1 class ("fish")');
    expect(stderr).toContain("at least 2 classes");
  });

  it("at one image", async () => {
    const { code, stderr } = await train(await subset("oneImage", { fish: 1 }), "oneImage");
    expect(code).toBe(1);
    expect(stderr).toContain("1 image");
  });

  it("at a class with one image", async () => {
    const data = await subset("single", { fish: 8, leaf: 8, mug: 1 });
    const { code, stderr } = await train(data, "single");
    expect(code).toBe(1);
    expect(stderr).toContain('class "mug" has 1 image');
  });

  it("at labels missing in a manifest, with the lines", async () => {
    const data = await subset("manifest", { fish: 2, leaf: 2 });
    const [first, second] = (await readdir(join(data, "fish"))).sort();
    await writeFile(
      join(data, "manifest.csv"),
      `file,label\nfish/${first},fish\nfish/${second},\n`,
    );
    const { code, stderr } = await train(data, "manifest");
    expect(code).toBe(1);
    expect(stderr).toContain("have no label (line 3)");
  });

  it("at a file that cannot be decoded, where it is told to stop", async () => {
    const data = await subset("broken", { fish: 8, leaf: 8 });
    await writeFile(join(data, "fish", "broken.png"), "no image at all");
    const stopped = await train(data, "brokenStop", "--on-bad", "stop");
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toContain("fish/broken.png");
    const skipped = await train(data, "brokenSkip");
    expect(skipped.code).toBe(0);
    expect(skipped.stderr).toContain("1 file cannot be used");
    expect(skipped.stderr).toContain("fish/broken.png");
  });

  it("at a file that cannot be read", async ({ skip }) => {
    const data = await subset("unreadable", { fish: 8, leaf: 8 });
    const [file] = await readdir(join(data, "fish"));
    const path = join(data, "fish", file!);
    if (process.getuid?.() !== 0) await chmod(path, 0o000);
    else {
      // Root may read every file. The memory of the process itself begins with a page that nobody can.
      const memory = "/proc/self/mem";
      if (!existsSync(memory)) skip("root can read every file, and there is no /proc");
      await rm(path);
      await symlink(memory, path);
    }
    const stopped = await train(data, "unreadable", "--on-bad", "stop");
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toMatch(/fish\/\w+\.png: it (may not be read|cannot be read \(EIO\))/);
    const skipped = await train(data, "unreadableSkip");
    expect(skipped.code).toBe(0);
    expect(skipped.stderr).toContain("1 file cannot be used and is left out");
  }, 120_000);

  it("at a full disk, with what was written before whole", async ({ skip }) => {
    const disk = join(workFolder, "disk");
    await mkdir(disk);
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=400k", "tmpfs", disk]);
    if (mounted.status !== 0) skip("a small disk can only be mounted by root on Linux");
    try {
      const out = join(disk, "run");
      const { code, stderr } = await striate(["train", photos, ...fast, "--out", out]);
      expect(stderr).toContain("The disk is full");
      expect(code).toBe(1);
      const files = await readdir(out, { recursive: true });
      expect(files.filter((name) => name.endsWith(".tmp"))).toEqual([]);
      expect(JSON.parse(await readFile(join(out, "config.json"), "utf8"))).toHaveProperty("plan");
    } finally {
      spawnSync("umount", [disk]);
    }
  });

  it("when memory does not suffice, with the numbers", async () => {
    const { code, stderr } = await train(photos, "memory", "--memory-limit", "1");
    expect(code).toBe(1);
    expect(stderr).toMatch(/training needs \d+ MiB .* the limit is 1 MiB/);
  });

  it("when the loss is not a number, naming step and layer, with the last good weights kept", async () => {
    const { code, stderr } = await train(
      photos,
      "diverged",
      ...[
        "--lr",
        "1e20",
        "--optimizer",
        "sgd",
        "--schedule",
        "constant",
        "--epochs",
        "20",
        "--augment",
        "none",
      ],
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/training: (the loss of step \d+|step \d+) /);
    expect(stderr).toMatch(/layer whose output is not finite is \w+ "|made ".*" infinite/);
    const last = await readdir(join(workFolder, "runs", "diverged", "checkpoints", "last"));
    expect(last).toEqual(["checkpoint.safetensors"]);
  });
});

describe("a wrong command ends with exit code 2", () => {
  it.each([
    [["trian", "x"], 'Did you mean "train"?'],
    [["train"], "missing required argument"],
    [["train", "x", "--epohcs", "3"], "unknown option '--epohcs'"],
    [["train", "x", "--epochs", "many"], '--epochs "many"'],
    [["train", "x", "y"], "too many arguments"],
    [["size", "--kernel", "3"], "--input N is needed"],
    [["data", "chek", "x"], "data check"],
    [["summary", "resnet19"], 'unknown net "resnet19". Did you mean "resnet'],
    [["bench", "--net", "lenet5", "--variant", "huge"], "lenet5"],
    [["nets", "--json", "--loud"], "--loud"],
  ])("%j", async (args, message) => {
    const { code, stdout, stderr } = await striate(args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(stdout).toBe("");
  });

  it("for nets, variants, optimizers and augmentations that there are not, before anything is trained", async () => {
    for (const [flag, value, message] of [
      ["--net", "lenet6", 'unknown net "lenet6"'],
      ["--variant", "huge", "huge"],
      ["--optimizer", "adm", 'unknown optimizer "adm"'],
      ["--augment", "flip", 'unknown augmentation "flip"'],
      ["--schedule", "cosin", 'unknown schedule "cosin"'],
      ["--batch", "5000", "batch 5000: there are"],
    ] as const) {
      const { code, stderr } = await train(photos, `wrong${flag}`, flag, value);
      expect(stderr).toContain(message);
      expect(code).toBe(2);
    }
  }, 120_000);
});

it("an image smaller than the net's minimum is a clear error", async () => {
  const { code, stderr } = await striate([
    ...["train", photos, "--net", "lenet5", "--input", "8x8x3", "--epochs", "1"],
    ...["--out", join(workFolder, "runs", "small")],
  ]);
  expect(code).toBe(1);
  expect(stderr).toContain("input 8x8x3 is too small; it takes 16x16 and more");
});

/** What a command line writes to stdout, in this process: help computes nothing, and a start for each verb takes long. */
async function printed(...args: string[]): Promise<string> {
  let text = "";
  const write = vi.spyOn(process.stdout, "write").mockImplementation((chunk, ...rest) => {
    text += String(chunk);
    const done = rest.at(-1);
    if (typeof done === "function") (done as () => void)();
    return true;
  });
  try {
    expect(await runCommandLine(args)).toBe(0);
  } finally {
    write.mockRestore();
  }
  return text;
}

it("every command has help with an example of itself", async () => {
  const overview = await printed("--help");
  const verbs = [...overview.matchAll(/^ {2}([a-z-]+(?: [a-z]+)?) {2,}/gm)].map(
    (match) => match[1]!,
  );
  expect(verbs).toEqual(expect.arrayContaining(["train", "data check", "doctor"]));
  for (const verb of verbs) {
    const help = await printed(...verb.split(" "), "--help");
    expect(help).toContain(`Usage: striate ${verb}`);
    expect(help).toMatch(new RegExp(`Examples\\n  striate ${verb}`));
    expect(help).toContain("--json");
  }
});
