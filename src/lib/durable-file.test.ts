import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { replaceFile } from './durable-file.ts';
import { FolderInUseError, FolderLock } from './folder-lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-file-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a file is replaced atomically, and the returned file is positioned at its end', async () => {
  const path = join(folder, 'file');
  writeFileSync(path, 'a longer text that was there');
  const file = await replaceFile(path, 'new ');
  await file.appendFile('and more');
  await file.close();
  expect(readFileSync(path, 'utf8')).toBe('new and more');
  expect(readdirSync(folder)).toEqual(['file']);
});

test('a file that cannot be replaced stays unchanged, and no temporary file is left', async () => {
  const taken = join(folder, 'taken');
  mkdirSync(taken);
  await expect(replaceFile(taken, 'new')).rejects.toThrow(`cannot write ${taken}`);
  expect(readdirSync(folder)).toEqual(['taken']);
});

test('a folder is locked until its holder stops', async () => {
  const first = new FolderLock(folder);
  const second = new FolderLock(folder);
  await first.start();
  await expect(second.start()).rejects.toThrow(FolderInUseError);
  await first.stop();
  await second.start();
  await second.stop();
});

test('a missing folder cannot be locked', async () => {
  const path = join(folder, 'missing');
  await expect(new FolderLock(path).start()).rejects.toThrow();
});
