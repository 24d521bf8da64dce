import { describe, expect, it } from 'vitest';
import { limits } from '../base/limits.ts';
import { Intake } from './intake.ts';

describe('Intake', () => {
  it('cuts rows into batches whose headers count them', () => {
    const intake = new Intake();
    const row = `{"m":"${'x'.repeat(99_990)}"}`;
    for (let k = 0; k < 200; k++) intake.row(row);
    const { batches, accepted, bytes } = intake.finish();
    expect(accepted).toBe(200);
    expect(bytes).toBe(200 * (row.length + 1));
    expect(batches.length).toBe(3);
    for (const { header, payload } of batches) {
      const size = payload.reduce((sum, piece) => sum + piece.length, 0);
      expect(size).toBe(header.records * (row.length + 1));
      expect(size).toBeLessThan(limits.batchBytesMax + 1024 * 1024);
    }
  });

  it('refuses what grows past the limit, quarantine included', () => {
    const intake = new Intake(1000);
    intake.row('{"m":""}');
    expect(() => intake.quarantine(Buffer.alloc(900), 'bad_record', 'odd')).toThrow(
      'the records take more than 1000 bytes',
    );
  });

  it('lists the first faults and counts all', () => {
    const intake = new Intake();
    for (let k = 0; k < 150; k++)
      intake.quarantine(Buffer.from([0xff, k]), k % 2 === 0 ? 'bad_time' : 'bad_labels', `reason "${k}" é`, k);
    const decoded = intake.finish();
    expect([decoded.quarantined, decoded.faults.length]).toEqual([150, limits.ingestErrorsListedMax]);
    expect(Object.fromEntries(decoded.quarantinedBy)).toEqual({ bad_time: 75, bad_labels: 75 });
    const first = Buffer.concat(decoded.batches[0]?.payload ?? [])
      .toString('utf8')
      .split('\n')[0];
    expect(first).toBe('{"raw":"/wA=","reason":"reason \\"0\\" é","line":0}');
  });
});
