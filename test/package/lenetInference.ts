// What a page needs to answer with LeNet-5: the fixture of the size test.
import { createModel, openClassifier } from "striate";

declare global {
  var classify: (pixels: number[]) => Promise<{ label: string; probability: number }>;
}

globalThis.classify = async (pixels) => {
  const model = createModel("lenet5", { classes: 10, seed: 3 });
  const classifier = await openClassifier(model);
  const [answer] = await classifier.predict(Uint8Array.from(pixels));
  await classifier.close();
  return { label: answer!.label, probability: answer!.probability };
};
