// Regenerates src/formats/**/messages.generated.ts from the .proto file beside each, with Buf's
// compiler and generator fetched for the occasion: nobody needs them to build or to test.
//
//   node scripts/generateProto.mjs
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const generatorVersion = "2.17.0";
const compilerVersion = "1.75.0";
const folders = ["src/formats/onnx/proto", "src/formats/caffe", "src/formats/tensorboard"];

for (const folder of folders) {
  const work = mkdtempSync(join(tmpdir(), "proto-"));
  try {
    const proto = readdirSync(folder).find((name) => name.endsWith(".proto"));
    cpSync(join(folder, proto), join(work, proto));
    writeFileSync(join(work, "buf.yaml"), "version: v2\n");
    writeFileSync(
      join(work, "buf.gen.yaml"),
      [
        "version: v2",
        "plugins:",
        "  - local: protoc-gen-es",
        "    out: .",
        "    opt: [target=ts, import_extension=ts, erasable_syntax=true]",
        "",
      ].join("\n"),
    );
    const packages = [
      `@bufbuild/buf@${compilerVersion}`,
      `@bufbuild/protoc-gen-es@${generatorVersion}`,
    ];
    const npx = ["--yes", ...packages.flatMap((name) => ["-p", name]), "buf", "generate"];
    execFileSync("npx", npx, { cwd: work, stdio: "inherit" });
    cpSync(join(work, proto.replace(".proto", "_pb.ts")), join(folder, "messages.generated.ts"));
    execFileSync("npx", ["biome", "check", "--write", join(folder, "messages.generated.ts")], {
      stdio: "inherit",
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
