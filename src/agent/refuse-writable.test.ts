import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { refuseWritable } from './refuse-writable.ts';

let parent: string;
let file: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'nfm-writable-'));
  mkdirSync(join(parent, 'etc'));
  file = join(parent, 'etc', 'agent.conf');
  writeFileSync(file, '');
});
afterEach(() => rmSync(parent, { recursive: true }));

const refuse = () => refuseWritable('config', file);

test.each([
  { name: 'its own file', mode: 0o644, folderMode: 0o755, error: undefined },
  { name: "a group's file", mode: 0o664, folderMode: 0o775, error: undefined },
  {
    name: "everybody's file",
    mode: 0o646,
    folderMode: 0o755,
    error: 'anyone may change the config',
  },
  {
    name: "a file in everybody's folder",
    mode: 0o644,
    folderMode: 0o777,
    error: 'anyone may replace',
  },
  { name: 'a file in a folder like /tmp', mode: 0o644, folderMode: 0o1777, error: undefined },
])('$name', ({ mode, folderMode, error }) => {
  chmodSync(file, mode);
  chmodSync(join(parent, 'etc'), folderMode);
  if (error === undefined) refuse();
  else expect(refuse).toThrow(error);
});

test('a missing file is accepted', () => {
  rmSync(file);
  refuse();
});
