export { nodeCodecs } from "./decode/codecs.node.ts";
export { readFolder } from "./fileTree.node.ts";
export * from "./index.ts";
export { imageFolder, openData } from "./openData.node.ts";
export { imageCache, pruneCache } from "./prepare/cache.node.ts";
export { type ThreadOptions, threadedPreparer } from "./prepare/threads.node.ts";
export type { DownloadOptions } from "./sets/download.node.ts";
export { type GetOptions, type GetResult, getData } from "./sets/getData.node.ts";
export { writeSample } from "./sets/sample.node.ts";
