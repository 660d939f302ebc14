export { writeFileAtomic } from "./atomicWrite.node.ts";
export { diskFolder } from "./fileFolder.node.ts";
export { openFile } from "./fileSource.node.ts";
export {
  type DownloadOptions,
  type DownloadProgress,
  downloadModel,
} from "./huggingface/download.node.ts";
export { type EventFile, openEventFile } from "./tensorboard/eventFile.node.ts";
export { writeFiles } from "./writeFiles.node.ts";
