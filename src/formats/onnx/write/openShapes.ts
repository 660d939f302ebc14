import { UnsupportedError } from "../../../core/errors.ts";
import type { Graph, Node } from "../../../graph/graph.ts";
import type { OpenShape } from "./nodeWriter.ts";

/** Attributes that hold sizes, which are read from the types instead. */
const sizes: Readonly<Record<string, readonly string[]>> = {
  input: ["shape"],
  reshape: ["shape"],
  broadcast: ["shape"],
  slice: ["ends"],
};

/**
 * The sizes of every value with those that depend on the batch left open, found by comparing the same graph built for two
 * and for three images.
 *
 * @throws UnsupportedError where anything but a size differs.
 */
export function openShapes(two: Graph, three: Graph): OpenShape[] {
  two.nodes.forEach((node, index) => {
    const other = three.nodes[index];
    if (other?.op !== node.op || !sameAttributes(node, other)) {
      throw new UnsupportedError(
        `onnx: ${node.op} "${node.name}" depends on the number of images by more than its sizes; a batch of any size cannot be written.`,
      );
    }
  });
  return two.values.map(({ shape }, id) =>
    shape.map((size, axis) => {
      const other = three.values[id]!.shape[axis]!;
      if (other === size) return size;
      if (other * 2 !== size * 3) {
        throw new UnsupportedError(
          `onnx: a tensor has ${size} elements along axis ${axis} for two images and ${other} for three.`,
        );
      }
      return { perImage: size / 2 };
    }),
  );
}

function sameAttributes(a: Node, b: Node): boolean {
  const ignored = sizes[a.op] ?? [];
  return Object.keys(a.attributes).every(
    (key) => ignored.includes(key) || isSame(a.attributes[key], b.attributes[key]),
  );
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return Object.is(a, b);
  }
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) =>
      isSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
    )
  );
}
