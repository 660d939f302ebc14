import { type Layer, layer } from "./layer.ts";

const channelsLast = [0, 2, 3, 1] as const;

/**
 * The layer as PyTorch's ConvNeXt has it: on a tensor whose channels come last. Where they lie is the backend's affair
 * here, so the layer computes on `[N, C, H, W]` as ever; only its record says in which order PyTorch holds the result.
 */
export function seenChannelsLast(inner: Layer, type = inner.type): Layer {
  return { ...inner, view: channelsLast, ...(type === undefined ? {} : { type }) };
}

/** The place of PyTorch's `Permute` to channels last, or back: nothing to do here. The shape stays. */
export function permute(to: "channelsLast" | "channelsFirst"): Layer {
  const facts =
    to === "channelsLast" ? { type: "Permute", view: channelsLast } : { type: "Permute" };
  return layer("permute", { to }, ([x]) => x!, facts);
}
