/** The variables of a project on the machine of its author, for `dev` and `start`. A deployment has its own. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from './command.ts'

/**
 * Takes the variables of the file `.env` in `folder`, where there is one. A variable of the environment stays as it is.
 *
 * @throws Failure for a file that cannot be read
 */
export function loadEnvFile(folder: string): void {
  const file = join(folder, '.env')
  if (!existsSync(file)) return
  try {
    process.loadEnvFile(file)
  } catch (error) {
    throw new Failure(`.env cannot be read: ${(error as Error).message.replace(/\.$/, '')}.`)
  }
}
