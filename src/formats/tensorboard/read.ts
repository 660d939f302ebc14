import { FormatError } from "../../core/errors.ts";
import type { ByteSource } from "../byteSource.ts";
import { decodeMessage } from "../protobuf/decodeMessage.ts";
import { type Event, EventSchema } from "./messages.generated.ts";
import { maskedCrc32c } from "./recordFile.ts";

/** Longest record that is read: an image, not a graph. */
const maxRecordBytes = 2 ** 26;

/**
 * The events of a TensorBoard file, in order. A record that is cut off ends the file quietly, because
 * that is how a file looks while it is written; a wrong checksum throws a {@link FormatError}.
 */
export async function* readEvents(source: ByteSource): AsyncGenerator<Event> {
  let position = 0;
  while (position + 16 <= source.sizeBytes) {
    const where = `${source.name}: record at byte ${position}`;
    const header = await source.read(position, 12);
    const view = new DataView(header.buffer, header.byteOffset);
    if (view.getUint32(8, true) !== maskedCrc32c(header.subarray(0, 8))) {
      throw new FormatError(`${where}: the checksum of its length is wrong; the file is damaged.`);
    }
    const length = Number(view.getBigUint64(0, true));
    if (length > maxRecordBytes) {
      throw new FormatError(`${where}: ${length} bytes; at most ${maxRecordBytes} are read.`);
    }
    if (position + 16 + length > source.sizeBytes) return;
    const content = await source.read(position + 12, length + 4);
    const stored = new DataView(content.buffer, content.byteOffset).getUint32(length, true);
    const bytes = content.subarray(0, length);
    if (stored !== maskedCrc32c(bytes)) {
      throw new FormatError(`${where}: its checksum is wrong; the file is damaged.`);
    }
    yield decodeMessage(EventSchema, bytes, where);
    position += 16 + length;
  }
}
