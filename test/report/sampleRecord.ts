import { RandomStream } from "../../src/core/random.ts";
import { encodePng } from "../../src/data/decode/encodePng.ts";
import { wilsonInterval } from "../../src/metrics/wilsonInterval.ts";
import type { ReportPictures } from "../../src/report/reportHtml.ts";
import { evaluatePredictions, type Prediction } from "../../src/train/predictions.ts";
import type { RunRecord } from "../../src/train/record.ts";

export const labels = ["bread", "cup", "<b>lamp</b>", "shoe", "tree"];

/** A run that never was, for looking at the page: every figure is computed from drawn predictions. */
export async function sampleRun(): Promise<{ record: RunRecord; pictures: ReportPictures }> {
  const stream = new RandomStream(3, "sample run");
  const predictions = Array.from({ length: 240 }, (_, i): Prediction => {
    const label = i % labels.length;
    const wrong = stream.uniform() < 0.1;
    const predicted = wrong ? (label + 1 + stream.integer(2)) % labels.length : label;
    const sure = wrong ? 0.4 + 0.4 * stream.uniform() : 0.55 + 0.44 * stream.uniform();
    const probabilities = labels.map((_, k) =>
      k === predicted ? sure : (1 - sure) / (labels.length - 1),
    );
    return {
      file: `${labels[label]}/${i}.jpg`,
      label,
      predicted,
      probabilities,
      loss: -Math.log(probabilities[label]!),
    };
  });
  const evaluation = evaluatePredictions(predictions, labels);
  const level = (epoch: number, shift: number) => ({
    loss: 1.5 * Math.exp(-epoch / 9) + 0.25 + shift,
    accuracy: 0.93 - 0.7 * Math.exp(-epoch / 6) - shift / 4,
  });
  const history = Array.from({ length: 30 }, (_, i) => ({
    epoch: i + 1,
    step: (i + 1) * 30,
    lr: 0.05 * 0.5 * (1 + Math.cos((Math.PI * i) / 30)),
    train: level(i + 1, 0.12),
    val: { ...level(i + 1, 0.02 * stream.uniform()), correct: 0, total: 240 },
    seconds: 4,
    imagesPerSecond: 250,
  }));
  const tile = async (label: number): Promise<string> => {
    const data = Uint8Array.from(
      { length: 48 * 48 * 3 },
      (_, i) => ((i % 3) * 60 + label * 40 + stream.integer(40)) % 256,
    );
    const png = await encodePng({ width: 48, height: 48, channels: 3, data });
    return `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
  };
  const validation = await Promise.all(
    predictions.map(async ({ file, label, predicted, probabilities }) => ({
      file,
      label,
      predicted,
      confidence: probabilities[predicted]!,
      ...(label === predicted ? {} : { picture: await tile(label) }),
    })),
  );
  const record: RunRecord = {
    format: "striate-report-1",
    version: "0.1.0",
    name: "kitchen",
    created: "2026-11-24T03:00:00.000Z",
    command: ["striate", "train", "photos"],
    machine: {
      node: "v26.10.0",
      platform: "linux x64",
      processor: "AMD EPYC",
      cores: 2,
      backend: "wasm: 2 threads, 256-bit vectors",
    },
    data: {
      path: "photos",
      name: "photos",
      format: "folder",
      fingerprint: "a1b2c3",
      classes: labels.map((label) => ({ label, train: 190, val: 48, test: 0 })),
      images: { train: 950, val: 240, test: 0 },
      groups: {
        count: 1100,
        val: 221,
        links: { manifest: 0, copy: 4, burst: 71, "near-duplicate": 15 },
      },
      bad: [
        {
          file: "cup/broken.jpg",
          message: "cup/broken.jpg: the JPEG ends after 812 of about 40,000 bytes.",
        },
      ],
      ignored: 0,
      notes: ["Class “tree” has few images of its own."],
    },
    net: {
      name: "resnet20",
      variant: "cifar",
      input: [3, 64, 64],
      parameters: 269722,
      macs: 163e6,
      layers: [
        { name: "conv1", kind: "conv2d", output: [16, 64, 64], parameters: 432, macs: 1.77e6 },
        { name: "linear", kind: "linear", output: [5], parameters: 325, macs: 320 },
      ],
    },
    choices: [
      { what: "net", value: "resnet20", why: "deep enough for photos, small enough for a CPU" },
    ],
    plan: { epochs: 30, batch: 32 },
    history,
    ended: "done",
    best: {
      epoch: 28,
      val: { loss: 0.3, accuracy: evaluation.accuracy, correct: evaluation.correct, total: 240 },
    },
    kept: { epoch: 28, rule: "best" },
    val: evaluation,
    groupedCi95: wilsonInterval(evaluation.accuracy * 221, 221),
    train: { loss: 0.1, accuracy: 0.98, images: 950 },
    baselines: [
      {
        name: "majority class",
        detail: "always the commonest class",
        accuracy: 0.2,
        correct: 48,
        total: 240,
        ci95: [0.15, 0.26],
      },
      {
        name: "nearest neighbour",
        detail: "of the pixels",
        accuracy: 0.41,
        correct: 98,
        total: 240,
        ci95: [0.35, 0.47],
      },
    ],
    leak: {
      leaked: 60,
      total: 240,
      judge: "nearest neighbour",
      grouped: 0.41,
      naive: 0.55,
      naiveLeaked: 0.97,
      naiveClean: 0.41,
    },
    folds: {
      runs: [
        { name: "fold 1", accuracy: 0.88, total: 600 },
        { name: "fold 2", accuracy: 0.86, total: 590 },
      ],
      mean: 0.87,
      deviation: 0.0141,
      pooled: { correct: 1035, total: 1190, ci95: wilsonInterval(1035, 1190) },
    },
    repeats: {
      runs: [
        { name: "seed 1", accuracy: 0.91, total: 240 },
        { name: "seed 2", accuracy: 0.89, total: 240 },
      ],
      mean: 0.9,
      deviation: 0.0141,
      pooled: null,
    },
    learningCurve: [0.25, 0.5, 1].map((share) => ({
      share,
      images: 950 * share,
      val: { loss: 1 - share / 2, accuracy: 0.7 + 0.2 * share, correct: 0, total: 240 },
    })),
    weightsSha256: "0".repeat(64),
    seconds: 127,
    imagesPerSecond: 251.4,
  };
  const samples = await Promise.all(
    labels.map(async (label, i) => ({ label, picture: await tile(i) })),
  );
  const augmented = [
    { picture: await tile(0), versions: await Promise.all([0, 0, 0, 0].map(tile)) },
  ];
  return { record, pictures: { validation, samples, augmented } };
}
