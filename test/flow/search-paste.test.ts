import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWeir, type UnderTest } from '../../bench/weir-under-test.ts';
import { count, eventually, rows } from './ask.ts';

/** Lines as programs write them. */
const lines = String.raw`java.lang.NullPointerException: Cannot invoke "String.length()" because "s" is null
	at com.example.Foo.bar(Foo.java:42)
Caused by: org.postgresql.util.PSQLException: FATAL: too many connections for role "app"
	... 12 more
  File "/usr/lib/python3.9/site.py", line 12, in <module>
Traceback (most recent call last):
ValueError: invalid literal for int() with base 10: 'abc'
    at Object.<anonymous> (/app/src/index.js:10:5)
TypeError: Cannot read properties of undefined (reading 'map')
panic: runtime error: index out of range [5] with length 3
goroutine 1 [running]:
main.main() /app/main.go:42 +0x1d
2026-05-01T10:00:00.123Z ERROR [http-nio-8080-exec-1] c.e.UserService - User not found: id=42
[2026-05-01 10:00:00] production.ERROR: SQLSTATE[42S02]: Base table or view not found
10.0.0.1 - - [01/May/2026:10:00:00 +0000] "GET /api/v1/users?id=5&x=1 HTTP/1.1" 500 1234 "-" "Mozilla/5.0 (X11; Linux x86_64)"
level=error ts=2026-05-01T10:00:00Z caller=main.go:42 msg="failed to connect" err="dial tcp 10.0.0.1:5432: connect: connection refused"
E1101 14:02:03.123456    1 main.go:42] failed to list *v1.Pod: Get "https://10.0.0.1:443/api": x509: certificate has expired
kernel: [12345.678901] Out of memory: Kill process 1234 (java) score 900 or sacrifice child
ORA-00942: table or view does not exist
SELECT * FROM users WHERE id = 5 AND name = 'bob' -- comment
INSERT INTO t (a, b) VALUES (1, 'a|b') ON CONFLICT DO NOTHING;
UPDATE orders SET status='paid', amount=12.5 WHERE id IN (1,2,3)
rm: cannot remove '/tmp/x': No such file or directory
curl: (7) Failed to connect to localhost port 8080: Connection refused
nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)
Warning: FailedScheduling 0/3 nodes are available: 3 Insufficient cpu.
CVE-2024-1234 detected in lodash@4.17.20
user_id=42, action=login; ip=10.0.0.1
key: value
2026|INFO|started|id=5
<13>Oct 11 22:14:15 host app[123]: hello
a -> b => c <- d
100% of 50GB used (/dev/sda1)
{"level":"error","msg":"boom","user":{"id":5}}
[WARN] retrying in 5s... (attempt 2/3)
std::vector<int>::at: out of range
Error: ENOENT: no such file or directory, open 'C:\Users\ann\x.json'
550e8400-e29b-41d4-a716-446655440000
用户登录失败
arn:aws:iam::123456789012:role/Admin is not authorized to perform: s3:GetObject
what happened?
C:\Windows\System32\cmd.exe /c whoami
!!! fatal !!!
[error] *1234 upstream timed out (110: Connection timed out) while reading response header from upstream, client: 10.0.0.1, server: _, request: "GET / HTTP/1.1"
assert x == y, "values differ"
if (a && b || !c) { return; }
---
:-(
foo~bar
npm ERR! code ELIFECYCLE
at 10:00:00, 5 of 10 failed
$HOME/.kube/config: permission denied`.split('\n');

let weir: UnderTest;
beforeAll(async () => {
  weir = await startWeir({});
  await weir.post('/ingest/text?service=pasted', lines.join('\n'), { 'content-type': 'text/plain' });
  await eventually(
    () => count(weir),
    found => found === lines.length,
  );
}, 60_000);
afterAll(() => weir?.stop());

it.each(lines)('%s finds itself', async line => {
  const found = await rows(weir, line);
  expect(found.map(row => row.message)).toContain(line);
});
