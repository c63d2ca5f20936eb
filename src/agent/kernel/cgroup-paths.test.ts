import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CgroupPaths } from './cgroup-paths.ts';

let mount: string;
beforeEach(() => {
  mount = mkdtempSync(join(tmpdir(), 'nfm-cgroups-'));
  mkdirSync(join(mount, 'kubepods/burstable'), { recursive: true });
});
afterEach(() => rmSync(mount, { recursive: true }));

const inode = (path: string) => statSync(join(mount, path)).ino;

test("an inode gives the folder's path below the mount", () => {
  const paths = new CgroupPaths(mount);
  expect(paths.pathOf(inode('kubepods/burstable'))).toBe('/kubepods/burstable');
  expect(paths.pathOf(inode('.'))).toBe('/');
  expect(paths.pathOf(0)).toBeUndefined();
});

test('an unknown inode makes it read the tree again, once until allowed again', () => {
  const paths = new CgroupPaths(mount);
  expect(paths.pathOf(1)).toBeUndefined();
  mkdirSync(join(mount, 'new'));
  expect(paths.pathOf(inode('new'))).toBeUndefined();
  paths.allowReading();
  expect(paths.pathOf(inode('new'))).toBe('/new');
});
