import { reference } from "../../backends/reference/backend.ts";
import { wasm } from "../../backends/wasm/backend.ts";
import { DeviceError } from "../../core/errors.ts";
import { createCodecs } from "../../data/decode/codecs.ts";
import { decodeImage } from "../../data/decode/decodeImage.ts";
import type { Pixels } from "../../data/decode/pixels.ts";
import { toInput, toStored } from "../../data/prepare/geometry.ts";
import type { Backend } from "../../plan/backend.ts";
import { fromBase64 } from "./base64.ts";
import { openPageModel, type PageModel, pageParts, type RunningModel } from "./pageModel.ts";

const shown = 5;
const model = JSON.parse(textOf("model")) as PageModel;
const codecs = createCodecs({
  jpeg: async () => WebAssembly.compile(fromBase64(textOf("jpeg"))),
  webp: async () => WebAssembly.compile(fromBase64(textOf("webp"))),
});
const cards = element("cards");
const status = element("status");
const running = start();

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no element "${id}".`);
  return found;
}

function textOf(part: keyof typeof pageParts): string {
  return element(pageParts[part]).textContent ?? "";
}

async function start(): Promise<RunningModel> {
  const { backend, note } = chooseBackend();
  element("engine").textContent = `Engine: ${backend.name}, ${backend.description}.`;
  const opened = await openPageModel(model, textOf("weights"), backend);
  status.textContent = note;
  (element("check") as HTMLButtonElement).disabled = false;
  return opened;
}

/** WebAssembly, or, in browsers without the instructions it needs, plain JavaScript. */
function chooseBackend(): { readonly backend: Backend; readonly note: string } {
  try {
    return { backend: wasm(), note: "Ready." };
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return {
      backend: reference(),
      note: "Ready, but slow: this browser lacks the WebAssembly instructions of the fast engine.",
    };
  }
}

/** One answer on the page. */
interface Card {
  readonly root: HTMLElement;
  readonly body: HTMLElement;
}

function addCard(name: string, picture: HTMLElement): Card {
  const root = make("article", "card");
  const body = make("div", "body");
  const title = make("p", "name", name);
  title.title = name;
  const answers = make("div", "answers", "…");
  body.append(title, answers);
  root.append(picture, body);
  cards.prepend(root);
  return { root, body: answers };
}

function make(tag: string, className: string, text = ""): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function showAnswer({ body }: Card, probabilities: readonly number[]): void {
  const order = probabilities
    .map((_, k) => k)
    .sort((a, b) => probabilities[b]! - probabilities[a]!);
  body.dataset.probabilities = JSON.stringify(probabilities);
  body.replaceChildren(make("p", "best", model.classes[order[0]!]));
  for (const k of order.slice(0, shown)) {
    const row = make("div", "answer");
    const bar = make("span", "bar");
    const length = document.createElement("i");
    length.style.width = `${100 * probabilities[k]!}%`;
    bar.append(length);
    const share = make("span", "share", `${(100 * probabilities[k]!).toFixed(1)} %`);
    row.append(make("span", "", model.classes[k]), share, bar);
    body.append(row);
  }
  if (model.threshold !== null && probabilities[order[0]!]! < model.threshold) {
    body.append(make("p", "unsure", "Unsure: perhaps none of these."));
  }
}

function showError({ body }: Card, error: unknown): void {
  body.replaceChildren(make("p", "error", error instanceof Error ? error.message : String(error)));
}

/** Draws pixels into a canvas, no larger than a card needs. */
function draw(canvas: HTMLCanvasElement, { width, height, channels, data }: Pixels): void {
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++)
      image.data[4 * i + c] = data[i * channels + (channels === 3 ? c : 0)]!;
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d")!.putImageData(image, 0, 0);
}

async function answerFile(file: File): Promise<void> {
  const canvas = document.createElement("canvas");
  const card = addCard(file.name, canvas);
  try {
    const { background } = model.geometry;
    const image = await decodeImage(new Uint8Array(await file.arrayBuffer()), codecs, {
      where: file.name,
      ...(background === undefined ? {} : { background }),
    });
    draw(canvas, image);
    const input = toInput(toStored(image, model.geometry), model.geometry);
    showAnswer(card, await (await running).predict(input.data));
  } catch (error) {
    showError(card, error);
  }
}

async function answerFiles(files: Iterable<File>): Promise<void> {
  for (const file of files) await answerFile(file);
}

let stopCamera: (() => void) | undefined;

async function useCamera(): Promise<void> {
  const button = element("camera");
  if (stopCamera !== undefined) {
    stopCamera();
    return;
  }
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment" },
    });
    const card = addCard("Camera", video);
    card.root.id = "live";
    let live = true;
    stopCamera = () => {
      live = false;
      for (const track of stream.getTracks()) track.stop();
      stopCamera = undefined;
      button.textContent = "Use the camera";
      card.root.remove();
    };
    button.textContent = "Stop the camera";
    video.srcObject = stream;
    await video.play();
    const opened = await running;
    while (live) {
      showAnswer(card, await opened.predict(frameOf(video).data));
      await new Promise(requestAnimationFrame);
    }
  } catch (error) {
    stopCamera?.();
    status.textContent = `The camera cannot be used: ${(error as Error).message}`;
  }
}

const frame = document.createElement("canvas");

/** What the camera shows now, as the model takes it. */
function frameOf(video: HTMLVideoElement): Pixels {
  frame.width = video.videoWidth;
  frame.height = video.videoHeight;
  const context = frame.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(video, 0, 0);
  const { data, width, height } = context.getImageData(0, 0, frame.width, frame.height);
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = data[4 * i + c]!;
  }
  const image: Pixels = { width, height, channels: 3, data: rgb };
  return toInput(toStored(image, model.geometry), model.geometry);
}

async function check(): Promise<void> {
  const { count } = model.golden;
  const text = element("checked");
  text.textContent = "Checking …";
  const difference = await (await running).checkGolden();
  const isSame = difference <= 1e-5;
  text.dataset.difference = String(difference);
  text.textContent = `${isSame ? "As recorded" : "NOT as recorded"}: over ${count} images probabilities differ by at most ${difference === 0 ? "0" : difference.toExponential(1)}.`;
}

const drop = element("drop");
for (const type of ["dragenter", "dragover"]) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const type of ["dragleave", "drop"]) {
  document.addEventListener(type, () => drop.classList.remove("over"));
}
document.addEventListener("drop", (event) => {
  event.preventDefault();
  void answerFiles([...(event.dataTransfer?.files ?? [])]);
});
document.addEventListener("paste", (event) => {
  void answerFiles([...(event.clipboardData?.files ?? [])]);
});
const files = element("files") as HTMLInputElement;
files.addEventListener("change", () => {
  void answerFiles([...(files.files ?? [])]).then(() => {
    files.value = "";
  });
});
element("camera").addEventListener("click", () => void useCamera());
element("check").addEventListener("click", () => void check());
running.catch((error: unknown) => {
  status.textContent = `The engine cannot start: ${(error as Error).message}`;
});
