import { isFieldSet } from "@bufbuild/protobuf";
import { FormatError } from "../../core/errors.ts";
import { elementCount, formatShape } from "../../core/shape.ts";
import { type ByteSource, readAll } from "../byteSource.ts";
import { concatenate } from "../concatenate.ts";
import type { ElementType } from "../elementType.ts";
import { ownValue } from "../ownValue.ts";
import { decodeMessage } from "../protobuf/decodeMessage.ts";
import {
  checkStoredShape,
  type StoredTensor,
  storedTensor,
  type TensorFile,
} from "../tensorFile.ts";
import { v0LayerTypes, v1LayerTypes } from "./layerTypes.ts";
import {
  type BlobProto,
  BlobProtoSchema,
  NetParameterSchema,
  type V1LayerParameter,
} from "./messages.generated.ts";

/** A layer of a `.caffemodel` that has weights. */
interface WeightedLayer {
  readonly name: string;
  readonly type: string;
  readonly blobs: readonly BlobProto[];
}

/** What the blobs of a layer are, by its type; all other layers have `weight` and `bias`. */
const blobNames: Readonly<Record<string, readonly string[]>> = {
  BatchNorm: ["running_mean", "running_var"],
  Bias: ["bias"],
};

/**
 * Reads the weights of a `.caffemodel`, of the present form or the old ones, under the names that
 * PyTorch would give them: `conv1.weight` [K, C/groups, R, S], `ip1.weight` [out, in], `ip1.bias`.
 *
 * A `BatchNorm` layer of Caffe keeps sums and, as third blob, their weight; `running_mean` and
 * `running_var` are divided by it (0 where it is 0), as Caffe does. Its `Scale` layer has the `weight`
 * and `bias`.
 */
export async function readCaffemodel(source: ByteSource): Promise<TensorFile> {
  const bytes = await readAll(source);
  const net = decodeMessage(NetParameterSchema, bytes, source.name);
  const layers: WeightedLayer[] = [...net.layers.map(upgradeLayer), ...net.layer];
  const tensors = new Map<string, StoredTensor>();
  for (const { name, type, blobs } of layers) {
    const names = ownValue(blobNames, type) ?? ["weight", "bias"];
    const sumWeight = type === "BatchNorm" ? blobs[2] : undefined;
    const values = sumWeight === undefined ? blobs : blobs.slice(0, 2);
    values.forEach((blob, index) => {
      const full = `${name}.${names[index] ?? `blob${index}`}`;
      if (tensors.has(full)) {
        throw new FormatError(`${source.name}: "${full}" occurs twice; expected different layers.`);
      }
      const where = `${source.name}: "${full}"`;
      const tensor = blobTensor(blob, where, (shape) => weightShape(shape, type, index));
      tensors.set(full, sumWeight === undefined ? tensor : divided(tensor, sumWeight, where));
    });
  }
  if (tensors.size === 0) {
    throw new FormatError(`${source.name}: no layer with weights; it is no .caffemodel.`);
  }
  return { tensors, metadata: net.name === "" ? {} : { name: net.name } };
}

/** Reads a mean image (`.binaryproto`): one blob, [C, H, W] in Caffe's order B, G, R. */
export async function readCaffeMean(source: ByteSource): Promise<StoredTensor> {
  const bytes = await readAll(source, 2 ** 28);
  const blob = decodeMessage(BlobProtoSchema, bytes, source.name);
  return blobTensor(blob, source.name, (shape) => (shape.length === 4 ? shape.slice(1) : shape));
}

function upgradeLayer(layer: V1LayerParameter): WeightedLayer {
  const inner = layer.layer;
  if (inner !== undefined) {
    return {
      name: inner.name,
      type: ownValue(v0LayerTypes, inner.type) ?? inner.type,
      blobs: [...layer.blobs, ...inner.blobs],
    };
  }
  return { name: layer.name, type: v1LayerTypes[layer.type]?.[1] ?? "", blobs: layer.blobs };
}

/** Sums divided by their weight, the only number of its blob. */
function divided(sums: StoredTensor, weight: BlobProto, where: string): StoredTensor {
  const weightTensor = blobTensor(weight, `${where}, weight of its sums`, (shape) => shape);
  return {
    ...sums,
    read: async () => {
      const [total = 0] = await weightTensor.read();
      const factor = total === 0 ? 0 : 1 / total;
      return new Float32Array(await sums.read()).map((sum) => sum * factor);
    },
  };
}

function blobTensor(
  blob: BlobProto,
  where: string,
  reshape: (shape: readonly number[]) => readonly number[],
): StoredTensor {
  const isDouble = blob.doubleData.length > 0;
  const elementType: ElementType = isDouble ? "float64" : "float32";
  const chunks = isDouble ? blob.doubleData : blob.data;
  const stated = blobShape(blob);
  const expected = checkStoredShape(stated, elementType, where);
  const given = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (given !== expected) {
    throw new FormatError(
      `${where}: ${given} bytes of ${elementType}; shape ${formatShape(stated)} takes ${expected}.`,
    );
  }
  const shape = reshape(stated);
  // A view that may lie anywhere in the file is copied, to align it and let the file go.
  return storedTensor(shape, elementType, where, async () => concatenate(chunks));
}

function blobShape(blob: BlobProto): number[] {
  const { field } = BlobProtoSchema;
  const old = [field.num, field.channels, field.height, field.width];
  if (!old.some((size) => isFieldSet(blob, size))) return (blob.shape?.dim ?? []).map(Number);
  return [blob.num, blob.channels, blob.height, blob.width];
}

/** The old form pads every shape to four axes with leading ones: take those away that mean nothing. */
function weightShape(shape: readonly number[], type: string, index: number): readonly number[] {
  const isVector = index > 0 || type === "BatchNorm" || type === "Scale" || type === "PReLU";
  const rank = isVector ? 1 : type === "InnerProduct" ? 2 : shape.length;
  const leading = shape.slice(0, Math.max(0, shape.length - rank));
  return elementCount(leading) === 1 ? shape.slice(leading.length) : shape;
}
