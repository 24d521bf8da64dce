import { requestExport, toApiError } from '../../api.ts';

export type ExportFormat = 'ndjson' | 'csv' | 'parquet';
type SavePicker = (options: {
  suggestedName: string;
}) => Promise<{ createWritable(): Promise<WritableStream<Uint8Array>> }>;

/**
 * Every matching record into a file, uncapped. Browsers with a save picker stream it to disk; the others hold it in memory until it is complete.
 * Resolves with a sentence on how it went; it never rejects.
 */
export async function exportRecords(
  body: { query: string; start: string; end: string; format: ExportFormat },
  onBytes: (bytes: number) => void,
): Promise<string> {
  const name = `weir-${new Date().toISOString().slice(0, 19).replace(/:/g, '')}.${body.format}`;
  try {
    const picker = (window as { showSaveFilePicker?: SavePicker }).showSaveFilePicker;
    const file = picker ? await picker({ suggestedName: name }) : null;
    const stream = await requestExport(body);
    let bytes = 0;
    const counted = stream.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          bytes += chunk.byteLength;
          onBytes(bytes);
          controller.enqueue(chunk);
        },
      }),
    );
    if (file) await counted.pipeTo(await file.createWritable());
    else save(await new Response(counted).blob(), name);
    return `saved ${(bytes / 1e6).toFixed(1)} MB`;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return '';
    return `not saved: ${toApiError(error).message}`;
  }
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
