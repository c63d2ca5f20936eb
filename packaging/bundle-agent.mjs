// Bundles the agent into one file, with koffi's native library and the eBPF object beside it.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';

const root = join(import.meta.dirname, '..');

/** koffi's platforms by Debian's names of the architectures. The eBPF object runs on both. */
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
    // Debian uses glibc, not musl.
    filter: (path) => !path.includes('musl'),
  });
  return { version };
}
