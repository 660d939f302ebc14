import { dirname } from "node:path";
import { describe, expect, it, type TestContext } from "vitest";
import { bytesSource } from "../../src/formats/byteSource.ts";
import { readCaffeNet } from "../../src/formats/caffe/net.ts";
import { readCaffemodel } from "../../src/formats/caffe/weights.ts";
import { diskFolder } from "../../src/formats/fileFolder.node.ts";
import { openFile } from "../../src/formats/fileSource.node.ts";
import { parseKerasConfig } from "../../src/formats/keras/config.ts";
import { torchWeights } from "../../src/formats/keras/torchWeights.ts";
import {
  decodeModel,
  encodeModel,
  modelTensors,
  readModel,
} from "../../src/formats/onnx/proto/model.ts";
import { readSafetensors } from "../../src/formats/safetensors/read.ts";
import { writeSafetensors } from "../../src/formats/safetensors/write.ts";
import {
  type HostTensor,
  readTensors,
  stripPrefix,
  type TensorFile,
} from "../../src/formats/tensorFile.ts";
import { readTfjs } from "../../src/formats/tfjs/read.ts";
import { writeTfjs } from "../../src/formats/tfjs/write.ts";
import { readTorch } from "../../src/formats/torch/read.ts";
import { writeTorch } from "../../src/formats/torch/write.ts";
import { sharedPath } from "./sharedFiles.ts";

/** Real weights of other people, each against the same numbers in another format. */
const weights = "data/weights";

const open = async (context: TestContext, path: string) =>
  openFile(sharedPath(context, `${weights}/${path}`));
const twin = async (context: TestContext, path: string) =>
  readTensors(await readSafetensors(await open(context, path)));

/** Compares names, shapes and bits. */
function expectEqual(
  given: ReadonlyMap<string, HostTensor>,
  expected: ReadonlyMap<string, HostTensor>,
): void {
  expect([...given.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, { shape, data }] of expected) {
    const tensor = given.get(name)!;
    expect(tensor.shape, name).toEqual(shape);
    const bits = (values: HostTensor["data"]) =>
      Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    expect(bits(tensor.data).equals(bits(data)), name).toBe(true);
  }
}

/** What is written again from what was read, with the element types of the file. */
async function writable(file: TensorFile) {
  const tensors = await readTensors(file);
  return new Map(
    [...tensors].map(([name, tensor]) => {
      return [name, { ...tensor, elementType: file.tensors.get(name)!.elementType }];
    }),
  );
}

describe("PyTorch checkpoints", () => {
  it.for(["resnet20-12fca82f", "resnet32-d509ac18"])(
    "%s equals its twin",
    async (name, context) => {
      const path = `cifar10-resnet/${name}`;
      const file = await readTorch(await open(context, `${path}.th`));
      const tensors = stripPrefix(await readTensors(file), "module.");
      expectEqual(tensors, await twin(context, `${path}.safetensors`));
      expect(file.metadata.best_prec1).toMatch(/^9\d\./);
    },
  );

  it("is written and read again bit for bit", async (context) => {
    const file = await readTorch(await open(context, "cifar10-resnet/resnet20-12fca82f.th"));
    const tensors = await writable(file);
    const bytes = writeTorch(tensors);
    const again = await readTorch(bytesSource(bytes));
    expectEqual(await readTensors(again), tensors);
    expect(writeTorch(await writable(again))).toEqual(bytes);
  });
});

describe("Caffe", () => {
  it("LeNet equals its twin", async (context) => {
    const path = "mnist-lenet-caffe/lenet_iter_10000";
    const file = await readCaffemodel(await open(context, `${path}.caffemodel`));
    expectEqual(await readTensors(file), await twin(context, `${path}.safetensors`));
  });

  it.for([
    ["mnist-lenet-caffe/lenet.prototxt", "mnist-lenet-caffe/lenet_iter_10000.caffemodel", 431080],
    [
      "cifar10-quick-caffe/cifar10_quick.prototxt",
      "cifar10-quick-caffe/cifar10_quick_iter_5000.caffemodel",
      145578,
    ],
  ] as const)(
    "%s names the layers that %s has weights for",
    async ([net, model, count], context) => {
      const { layers } = await readCaffeNet(await open(context, net));
      const { tensors } = await readCaffemodel(await open(context, model));
      const names = layers.map(({ name }) => name);
      let total = 0;
      for (const [name, tensor] of tensors) {
        expect(names).toContain(name.slice(0, name.lastIndexOf(".")));
        total += (await tensor.read()).length;
      }
      expect(total).toBe(count);
    },
  );

  it("SqueezeNet's net is read whole", async (context) => {
    const net = await readCaffeNet(await open(context, "squeezenet-v1.1-imagenet/deploy.prototxt"));
    expect(net.inputs).toEqual([{ name: "data", shape: [10, 3, 227, 227] }]);
    expect(net.layers.length).toBe(66);
  });
});

describe("half-precision SqueezeNet", () => {
  it("is the same in ONNX and safetensors, and is written back bit for bit", async (context) => {
    const model = await readModel(
      await open(context, "squeezenet-v1.1-imagenet/SqueezeNet_fp16.onnx"),
    );
    const given = modelTensors(model, "onnx");
    const safe = await readSafetensors(
      await open(context, "squeezenet-v1.1-imagenet/squeezenet_v1.1.fp16.safetensors"),
    );
    expect(new Set([...safe.tensors.values()].map(({ elementType }) => elementType))).toEqual(
      new Set(["float16"]),
    );
    const renamed = [...(await readTensors(given))].map(([name, tensor]) => {
      return [name.replace(/_w_0$/, ".weight").replace(/_b_0$/, ".bias"), tensor] as const;
    });
    expectEqual(new Map(renamed), await readTensors(safe));
    const bytes = encodeModel(model);
    expect(encodeModel(decodeModel(bytes, "again"))).toEqual(bytes);
    const order = await writable(safe);
    const again = await readSafetensors(bytesSource(writeSafetensors(order, safe.metadata)));
    expectEqual(await readTensors(again), order);
  });
});

describe("tensorflow.js", () => {
  const mobilenet = "mobilenet-v1-0.25-224-imagenet";
  const openModel = (context: TestContext, path: string) => {
    const file = sharedPath(context, `${weights}/${path}`);
    return readTfjs(diskFolder(dirname(file)), file.slice(dirname(file).length + 1));
  };

  it("MobileNet equals its twin and is written back bit for bit", async (context) => {
    const model = await openModel(context, `${mobilenet}/tfjs/mobilenet_model.json`);
    const tensors = await readTensors(model);
    expectEqual(tensors, await twin(context, `${mobilenet}/mobilenet_v1_0.25_224.safetensors`));
    const files = writeTfjs({ topology: model.topology, tensors });
    const folder = {
      name: "written",
      has: async () => true,
      open: async (path: string) => bytesSource(files.get(path)!, path),
    };
    const again = await readTfjs(folder);
    expect(again.topology).toEqual(model.topology);
    expectEqual(await readTensors(again), tensors);
  });

  it("MobileNet's layers and PyTorch names follow from its topology", async (context) => {
    const model = await openModel(context, `${mobilenet}/tfjs/mobilenet_model.json`);
    const net = parseKerasConfig(model.topology, "mobilenet");
    expect(net.inputs).toEqual(["input_1"]);
    const shapes = new Map(
      [...torchWeights(model, { net }).tensors].map(([name, { shape }]) => [name, shape]),
    );
    expect(shapes.get("conv1.weight")).toEqual([8, 3, 3, 3]);
    expect(shapes.get("conv_dw_10.weight")).toEqual([128, 1, 3, 3]);
    expect(shapes.get("conv1_bn.running_var")).toEqual([8]);
  });

  it("SqueezeNet without its top is read whole", async (context) => {
    const model = await openModel(context, "squeezenet-v1.1-notop-tfjs/squeezenet_model.json");
    const tensors = await readTensors(model);
    expect(tensors.size).toBe(48);
    for (const { data } of tensors.values()) {
      expect(data.every((value) => Number.isFinite(value) && Math.abs(value) < 100)).toBe(true);
    }
  });
});
