import { randomBytes } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../lib/clock.ts';
import type { Principal } from '../model/owner.ts';
import { Sessions } from './sessions.ts';

const principal: Principal = {
  account: '123456789012',
  region: 'us-east-1',
  accessKeyId: 'AKIAADMIN',
  kind: 'admin',
};
const HOUR = 3_600_000;

let clock: FakeClock;
let sessions: Sessions;
beforeEach(() => {
  clock = new FakeClock(0);
  sessions = new Sessions({ clock, random: randomBytes, limit: 3 });
});

test('a sign-in token opens one session', () => {
  const token = sessions.issueSignInToken(principal);
  const sessionId = sessions.redeem(token) ?? '';
  expect(sessions.find(sessionId)).toEqual(principal);
  expect(sessions.redeem(token)).toBeUndefined();
});

test('tokens and session ids have 256 bits and are not interchangeable', () => {
  const token = sessions.issueSignInToken(principal);
  expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(sessions.find(token)).toBeUndefined();
  expect(sessions.redeem(sessions.open(principal))).toBeUndefined();
});

test('a sign-in token is valid for 12 hours', () => {
  const token = sessions.issueSignInToken(principal);
  clock.advance(12 * HOUR);
  expect(sessions.redeem(token)).toBeUndefined();
});

test('a session ends 12 hours after its last use', () => {
  const sessionId = sessions.open(principal);
  for (let i = 0; i < 3; i += 1) {
    clock.advance(12 * HOUR - 1);
    expect(sessions.find(sessionId)).toEqual(principal);
  }
  clock.advance(12 * HOUR);
  expect(sessions.find(sessionId)).toBeUndefined();
});

test('a closed session is not found', () => {
  const sessionId = sessions.open(principal);
  sessions.close(sessionId);
  expect(sessions.find(sessionId)).toBeUndefined();
});

test('closing all of a key ends its sessions and unused tokens, but not those of other keys', () => {
  const session = sessions.open(principal);
  const token = sessions.issueSignInToken(principal);
  const other = sessions.open({ ...principal, accessKeyId: 'AKIAOTHER' });
  sessions.closeAllOf('AKIAADMIN');
  expect(sessions.find(session)).toBeUndefined();
  expect(sessions.redeem(token)).toBeUndefined();
  expect(sessions.find(other)?.accessKeyId).toBe('AKIAOTHER');
});

test('past the limit, the least recently used session is dropped', () => {
  const [first = '', second = '', third = ''] = [1, 2, 3].map(() => sessions.open(principal));
  sessions.find(first);
  const fourth = sessions.open(principal);
  expect([first, second, third, fourth].map((id) => sessions.find(id) !== undefined)).toEqual([
    true,
    false,
    true,
    true,
  ]);
});

test('a session ends 7 days after it was opened, however often it is used', () => {
  const sessionId = sessions.open(principal);
  for (let hour = 0; hour < 7 * 24; hour += 6) {
    expect(sessions.find(sessionId)).toEqual(principal);
    clock.advance(6 * HOUR);
  }
  expect(sessions.find(sessionId)).toBeUndefined();
});

test('an account that opens many sessions ends none of another', () => {
  const other = sessions.open({ ...principal, account: '210987654321' });
  for (let i = 0; i < 10; i += 1) sessions.open(principal);
  expect(sessions.find(other)).toBeDefined();
});
