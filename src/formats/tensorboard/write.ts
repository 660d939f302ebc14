import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { FormatError } from "../../core/errors.ts";
import { EventSchema, type Summary_ValueSchema } from "./messages.generated.ts";
import { tfRecord } from "./recordFile.ts";

/** When something was recorded. */
export interface EventTime {
  /** The step it belongs to, which TensorBoard plots along the x axis. */
  readonly step: number;
  /** Milliseconds since 1970, as `Date.now()` gives. */
  readonly timeMs: number;
}

/** An encoded image; PNG is what TensorBoard expects. */
export interface EventImage {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** 1: grey, 3: RGB, 4: RGBA. */
  readonly channels: 1 | 3 | 4;
}

/** The record that begins every event file. */
export function eventFileStart(timeMs: number): Uint8Array {
  const what = { case: "fileVersion" as const, value: "brain.Event:2" };
  return tfRecord(toBinary(EventSchema, create(EventSchema, { wallTime: timeMs / 1000, what })));
}

/** A record of numbers by tag (`loss/train`), each a point of a curve. */
export function scalarsRecord(
  time: EventTime,
  scalars: Readonly<Record<string, number>>,
): Uint8Array {
  return summaryRecord(
    time,
    Object.entries(scalars).map(([tag, value]) => ({
      tag,
      // float32 is what the format has; a number beyond it becomes infinite, as in TensorFlow.
      value: { case: "simpleValue", value: Math.fround(value) },
    })),
  );
}

/** A record of an image under a tag. */
export function imageRecord(time: EventTime, tag: string, image: EventImage): Uint8Array {
  const { bytes, width, height, channels } = image;
  const value = { width, height, colorspace: channels, encodedImageString: bytes };
  return summaryRecord(time, [{ tag, value: { case: "image", value } }]);
}

/** A record of a text (Markdown) under a tag. */
export function textRecord(time: EventTime, tag: string, text: string): Uint8Array {
  const stringType = 7;
  const value = {
    dtype: stringType,
    tensorShape: { dim: [{ size: 1n }] },
    stringVal: [new TextEncoder().encode(text)],
  };
  const metadata = { pluginData: { pluginName: "text" } };
  return summaryRecord(time, [{ tag, metadata, value: { case: "tensor", value } }]);
}

function summaryRecord(
  time: EventTime,
  value: MessageInitShape<typeof Summary_ValueSchema>[],
): Uint8Array {
  if (!Number.isSafeInteger(time.step) || !Number.isFinite(time.timeMs)) {
    throw new FormatError(
      `tensorboard: step ${time.step} at ${time.timeMs} ms; expected a whole number and a time.`,
    );
  }
  const event = create(EventSchema, {
    wallTime: time.timeMs / 1000,
    step: BigInt(time.step),
    what: { case: "summary", value: { value } },
  });
  return tfRecord(toBinary(EventSchema, event));
}
