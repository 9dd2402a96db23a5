import { join } from 'node:path';
import { writeImage } from '../image/image.ts';
import { installProgram } from '../install/go-build.ts';
import { type ProgramName, programOf } from '../install/programs.ts';

/** Programs that run as pods of the cluster itself. */
const SYSTEM_PROGRAMS = [
  'pause',
  'coredns',
  'local-path-provisioner',
  'volume-helper',
] as const satisfies readonly ProgramName[];

export type SystemProgram = (typeof SYSTEM_PROGRAMS)[number];

export const SYSTEM_IMAGES: Readonly<Record<SystemProgram, string>> = {
  pause: imageName('pause'),
  coredns: imageName('coredns'),
  'local-path-provisioner': imageName('local-path-provisioner'),
  'volume-helper': imageName('volume-helper'),
};

export const PAUSE_IMAGE = SYSTEM_IMAGES.pause;

/** Writes the tarballs of those system images that are not among `present`, into `dir`, and returns their paths. */
export async function writeSystemImages(dir: string, present: ReadonlySet<string>): Promise<string[]> {
  const missing = SYSTEM_PROGRAMS.filter((program) => !present.has(SYSTEM_IMAGES[program]));
  return Promise.all(
    missing.map(async (program) => {
      const path = `/${program}`;
      const image = await writeImage(
        {
          name: SYSTEM_IMAGES[program],
          entries: [{ path, from: join(await installProgram(programOf(program)), program) }],
          entrypoint: [path],
          // Volumes belong to root, DNS listens on port 53.
          user: program === 'pause' ? undefined : '0:0',
        },
        join(dir, `${program}.tar`),
      );
      return image.file;
    }),
  );
}

/** The tag changes with the program, so that an image of that name need not be loaded again. */
function imageName(program: SystemProgram): string {
  const { version, digest } = programOf(program);
  return `openim.test/${program}:${version}-${digest}`;
}
