export { nodeCodecs } from "./decode/codecs.node.ts";
export { readFolder } from "./fileTree.node.ts";
export * from "./index.ts";
export { imageFolder, openData } from "./openData.node.ts";
export { imageCache, pruneCache } from "./prepare/cache.node.ts";
export { type ThreadOptions, threadedPreparer } from "./prepare/threads.node.ts";
