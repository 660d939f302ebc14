import { createNet, netNames, summarize, variantNames } from "../../src/models/index.ts";

const number = (count: number) => count.toLocaleString("en");

/** One line for each variant of each net. */
function catalogueTable(): string {
  const rows = netNames().flatMap((name) =>
    variantNames(name).map((variant, i) => {
      const net = createNet(name, { variant });
      const { params, auxiliaryParams, macs, depth } = summarize(net);
      const [channels, height, width] = net.input;
      const heads =
        auxiliaryParams === 0 ? "" : ` (${number(params + auxiliaryParams)} with heads)`;
      const cells = [
        i === 0 ? `\`${name}\`` : "",
        variant,
        `${height}x${width}x${channels}`,
        `${net.classes}`,
        `${net.minimumInput}`,
        `${number(params)}${heads}`,
        number(Math.round(macs / 1e4) / 100),
        `${depth}`,
      ];
      return `| ${cells.join(" | ")} |`;
    }),
  );
  return [
    "| net | variant | input | classes | smallest | parameters | million multiply-adds | depth |",
    "| --- | --- | --- | --: | --: | --: | --: | --: |",
    ...rows,
  ].join("\n");
}

/** The papers, in the order of the catalogue. */
function sources(): string {
  const papers = new Map<string, string[]>();
  for (const name of netNames()) {
    for (const variant of variantNames(name)) {
      const { paper } = createNet(name, { variant });
      const users = papers.get(paper) ?? [];
      if (!users.some((user) => user === name || user.startsWith(`${name} (`))) {
        users.push(variant === variantNames(name)[0] ? name : `${name} (${variant})`);
      }
      papers.set(paper, users);
    }
  }
  return [...papers].map(([paper, nets]) => `- ${nets.join(", ")}: ${paper}.`).join("\n");
}

/** The text of docs/nets.md. */
export function netsPage(): string {
  return `# Nets

This page is made from the catalogue by \`node scripts/run.mjs scripts/netsPage.ts\`; a test compares the two.

\`striate nets\` lists the catalogue, \`striate summary NET\` prints a net layer by layer. The first variant is the default.
Without \`--input\` and \`--classes\` a net has those of its source. What the variants differ in, and published accuracies, stand at
the top of each family's file in \`src/models\`.

- *smallest*: least height and width that the net can be built for. Nets after papers refuse sizes whose arithmetic does not
  come out whole, with the arithmetic; those after torchvision leave the last pixels out, as torchvision does.
- *parameters*: trained numbers, as papers count them. Heads that serve training only are counted apart.
- *multiply-adds*: of convolutions and products, for one image.
- *depth*: layers with weights on the longest way, as papers count.

${catalogueTable()}

Depth over the years, with the top-5 error in the ImageNet challenge where a net took part (\`striate nets --svg FILE\`):

![A bar for each net as long as it is deep](images/depths.svg)

Parameter names and their order are torchvision's where torchvision has the net (\`torchvision\` variants, checked name by name against
its state dictionaries), timm's for MobileNet V1, pre-activation ResNets, ConvNeXt atto to nano and ConvNeXt V2, those of the widespread
PyTorch port for ResNets on CIFAR, and Caffe's for LeNet \`caffe\`, AlexNet's other forms, ZFNet and Network in Network.

Every family also has a few nets of the same parts with a handful of channels, variants whose names begin with \`test\`. They are
not listed; tests train, save and load them.

## Where they come from

${sources()}

## Numbers that differ elsewhere

- The lecture prints 260 parameters for ten 5x5 filters on a 32x32x3 image; it forgets the depth. 10 · (5·5·3 + 1) = 760.
- AlexNet's paper says 224x224 images, but (224 − 11)/4 + 1 = 54.25. Only 227 gives the 55x55 that it goes on with.
- ZFNet's paper says 224x224 and 110x110; 225 comes out, and its poolings must hang over by a pixel.
- LeNet-5's 60,000 parameters are the trained ones: the 840 numbers of its output codes are fixed.
- ResNets of the paper ("v1") have the stride of a bottleneck on its first 1x1 convolution, torchvision's on the 3x3: as many
  parameters, more multiply-adds, a smaller receptive field (427 pixels against 483 for ResNet-50).
- torchvision's GoogLeNet has 3x3 convolutions where the paper has 5x5.
- The two-branch ConvNeXt has no known source; see \`src/models/convnextFusion.ts\`.
`;
}
