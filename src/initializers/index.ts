export { constant, normal, truncatedNormal, uniform } from "./basic.ts";
export { fans, type Initializer } from "./initializer.ts";
export {
  type KaimingOptions,
  kaimingNormal,
  kaimingUniform,
  xavierNormal,
  xavierUniform,
} from "./scaled.ts";
