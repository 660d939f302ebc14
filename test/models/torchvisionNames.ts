/** Our net and variant for a constructor of torchvision: `squeezenet1_1` is `squeezenet`, variant `1.1`. */
export function ourName(architecture: string): { readonly name: string; readonly variant: string } {
  const squeezenet = /^squeezenet(\d)_(\d)$/.exec(architecture);
  if (squeezenet !== null) {
    return { name: "squeezenet", variant: `${squeezenet[1]}.${squeezenet[2]}` };
  }
  const convnext = /^convnext_(.+)$/.exec(architecture);
  if (convnext !== null) return { name: "convnext", variant: convnext[1]! };
  return { name: architecture, variant: "torchvision" };
}
