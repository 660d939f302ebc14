// Rewrites docs/onnx-operators.md from the tables of src/formats/onnx/ops:
//
//   node scripts/run.mjs scripts/onnxOperators.ts
import { writeFileSync } from "node:fs";
import { operatorsPage } from "../test/formats/onnx/operatorsPage.ts";

writeFileSync(new URL("../docs/onnx-operators.md", import.meta.url), operatorsPage());
