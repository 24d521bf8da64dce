import { expect, it } from 'vitest';
import { keyMap, keySlot } from './json-keys-code.ts';

/** Where FNV-1a as everybody knows it would put a key. */
function publicSlot(key: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const c of key) hash = Math.imul(hash ^ c, 0x01000193);
  return (hash ^ (hash >>> 15)) & (keyMap.slotCount - 1);
}

it('spreads keys that were chosen to fall into one slot', () => {
  const chosen: Buffer[] = [];
  for (let i = 0; chosen.length < keyMap.keysMax; i++) {
    const key = Buffer.from(i.toString(36).padStart(5, 'a'));
    if (publicSlot(key) === 7) chosen.push(key);
  }
  const perSlot = new Map<number, number>();
  for (const key of chosen) perSlot.set(keySlot(key), (perSlot.get(keySlot(key)) ?? 0) + 1);
  // Five at most by chance; a beginning that shares its low bits with the public one keeps some together, one of 2,000 up to seventy.
  expect(Math.max(...perSlot.values())).toBeLessThan(keyMap.keysMax / 2);
});
