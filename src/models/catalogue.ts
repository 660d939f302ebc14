import { lookUp } from "../core/errors.ts";
import { alexnet } from "./alexnet.ts";
import { convnext, convnextV2 } from "./convnext.ts";
import { convnextFusion } from "./convnextFusion.ts";
import { googlenet } from "./googlenet.ts";
import { lenet } from "./lenet.ts";
import { mlp } from "./mlp.ts";
import { mobilenetV1 } from "./mobilenetV1.ts";
import { mobilenetV2 } from "./mobilenetV2.ts";
import { mobilenetV3 } from "./mobilenetV3.ts";
import { makeNet, type Net, type NetFamily, type NetOptions } from "./net.ts";
import { nin } from "./nin.ts";
import type { PublishedWeights } from "./publishedWeights.ts";
import { cifarResnet, resnet } from "./resnet.ts";
import { squeezenet } from "./squeezenet.ts";
import { vgg } from "./vgg.ts";
import { zfnet } from "./zfnet.ts";

/** Every family of nets. */
export const models = {
  mlp,
  lenet,
  alexnet,
  zfnet,
  vgg,
  nin,
  googlenet,
  squeezenet,
  resnet,
  cifarResnet,
  mobilenetV1,
  mobilenetV2,
  mobilenetV3,
  convnext,
  convnextV2,
  convnextFusion,
} as const;

/** A net of the catalogue: its family, and the rows of its variants. */
function catalogue(): Record<string, NetFamily> {
  const table: Record<string, NetFamily> = {};
  for (const family of Object.values<NetFamily>(models)) {
    for (const name of Object.keys(family.nets)) table[name] = family;
  }
  return table;
}

/** Names of all nets, family after family. */
export function netNames(): string[] {
  return Object.keys(catalogue());
}

/** Names of a net's variants, the default first. */
export function variantNames(name: string): string[] {
  return Object.keys(lookUp(catalogue(), name, "net").nets[name]!);
}

/** Weights that others published for a variant of a net, in the order of its family's table. */
export function publishedWeights(name: string, variant: string): readonly PublishedWeights[] {
  const family = lookUp(catalogue(), name, "net");
  const rows = family.weights?.() ?? [];
  return rows.filter((row) => row.net === name && row.variant === variant);
}

/**
 * The net of this name. Without options it is the first variant, with the input and classes of its source.
 *
 * @throws OptionError for a name or variant that there is not.
 * @throws ShapeError for an input below the net's minimum.
 * @example
 * const net = createNet("resnet18", { classes: 5, input: [3, 64, 64] });
 */
export function createNet(name: string, options: NetOptions = {}): Net {
  const family = lookUp(catalogue(), name, "net");
  const { variant } = options;
  if (variant !== undefined && !Object.hasOwn(family.tests, variant)) {
    lookUp(family.nets[name]!, variant, `variant of net "${name}"`);
  }
  return makeNet(family, name, options);
}
