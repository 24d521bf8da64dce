/**
 * Lines of a byte stream, without their `\n` (and `\r\n`), empty lines left out. A last line without an end is a line.
 * A line that arrives in many chunks is joined once, so that a 1 MiB record costs one copy and not one per chunk.
 */
export async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let pieces: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const text = done ? decoder.decode() : decoder.decode(value, { stream: true });
      let start = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        pieces.push(text.slice(start, end));
        const line = pieces.length === 1 ? (pieces[0] ?? '') : pieces.join('');
        pieces = [];
        start = end + 1;
        const trimmed = line.endsWith('\r') ? line.slice(0, -1) : line;
        if (trimmed) yield trimmed;
      }
      if (start < text.length) pieces.push(text.slice(start));
      if (done) break;
    }
    const last = pieces.join('');
    if (last) yield last;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
