import type { ElementType } from "../elementType.ts";

/** Element types by the names of the safetensors header. */
const tags: { readonly [K in ElementType]: string } = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint64: "U64",
  uint32: "U32",
  uint16: "U16",
  uint8: "U8",
  bool: "BOOL",
};

/** The header's name of an element type. */
export function tagOfElementType(type: ElementType): string {
  return tags[type];
}

/** The element type of a header's name, if there is one here. */
export function elementTypeOfTag(tag: string): ElementType | undefined {
  return (Object.keys(tags) as ElementType[]).find((type) => tags[type] === tag);
}
