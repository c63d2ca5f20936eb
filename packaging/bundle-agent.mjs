// Makes the agent one file (with koffi's native library and the eBPF object beside it) in the folder given.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';

const root = join(import.meta.dirname, '..');

/** The architectures koffi and the agent's eBPF object are for, by Debian's names. */
export const ARCHITECTURES = { amd64: 'linux-x64', arm64: 'linux-arm64' };

/** @param {{ folder: string, architecture: keyof typeof ARCHITECTURES }} options */
export async function bundleAgent({ folder, architecture }) {
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    ssr: { noExternal: true },
    build: {
      ssr: join(root, 'packaging/agent.mjs'),
      outDir: folder,
      emptyOutDir: true,
      target: 'node20',
      minify: false,
      rolldownOptions: { output: { entryFileNames: 'agent.mjs', codeSplitting: false } },
    },
  });
  const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const manifest = { name: `${name}-agent`, version, license, type: 'module', private: true };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  mkdirSync(join(folder, 'bpf'));
  cpSync(join(root, 'src/agent/kernel/bpf/nfm.bpf.o'), join(folder, 'bpf/nfm.bpf.o'));
  const koffi = `@koromix/koffi-${ARCHITECTURES[architecture]}`;
  cpSync(join(root, 'node_modules', koffi), join(folder, 'node_modules', koffi), {
    recursive: true,
    // Debian's libc is glibc.
    filter: (path) => !path.includes('musl'),
  });
  return { version };
}
