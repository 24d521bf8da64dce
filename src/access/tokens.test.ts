import { describe, expect, it } from 'vitest';
import { assertListenAllowed, isLoopback, makeGuard } from './tokens.ts';

const tokens = [{ token: 'a-token-of-16-chars' }, { token: 'another-token-of-team', tenant: 'team' }];

describe('tokens', () => {
  it('lets everybody in when none are configured', () => {
    expect(makeGuard([])({})).toBeUndefined();
  });

  it.each([
    ['Bearer a-token-of-16-chars'],
    ['bearer a-token-of-16-chars'],
    [`Basic ${Buffer.from('any:a-token-of-16-chars').toString('base64')}`],
    [`ApiKey ${Buffer.from('id:a-token-of-16-chars').toString('base64')}`],
    ['Splunk a-token-of-16-chars'],
  ])('takes %s', authorization => {
    expect(makeGuard(tokens)({ authorization })).toBeUndefined();
  });

  it.each([[undefined], ['Bearer '], ['Bearer a-token-of-16-charsX'], ['Basic !!!'], ['a-token-of-16-chars']])(
    'refuses %s',
    authorization => {
      expect(() => makeGuard(tokens)({ authorization })).toThrow('missing or unknown token');
    },
  );

  it('binds a token to its tenant', () => {
    const guard = makeGuard(tokens);
    const authorization = 'Bearer another-token-of-team';
    expect(guard({ authorization })).toBe('team');
    expect(guard({ authorization, 'x-scope-orgid': 'team' })).toBe('team');
    expect(() => guard({ authorization, 'x-scope-orgid': 'other' })).toThrow(
      'this token is for tenant "team"; the request asks for "other"',
    );
  });

  it('refuses to listen in the open without tokens', () => {
    expect(() => assertListenAllowed('0.0.0.0', [])).toThrow('no tokens are configured');
    expect(() => assertListenAllowed('0.0.0.0', tokens)).not.toThrow();
    for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) expect(isLoopback(host)).toBe(true);
    for (const host of ['10.0.0.1', '0.0.0.0', '::', '128.0.0.1', '127.evil.example'])
      expect(isLoopback(host)).toBe(false);
  });
});
