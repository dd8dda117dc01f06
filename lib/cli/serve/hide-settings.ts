/** The environment of a program that is served. */
import { SETTINGS } from '../../settings.ts'
import { EXECUTOR_SETTINGS } from '../../settings-executors.ts'
import { SERVE_SETTINGS } from '../../settings-serve.ts'

/** The variables of the endpoint. A program that finds a PORT might listen on it, and no program needs the keys. */
const OWN: ReadonlySet<string> = new Set(
  Object.values({ ...SETTINGS, ...EXECUTOR_SETTINGS, ...SERVE_SETTINGS }).flatMap((group) =>
    Object.values(group).flatMap(({ variable }) => variable ?? []),
  ),
)

/** `env` without the settings of the endpoint, and with the variables that are given for the program. */
export function programEnv(
  env: Readonly<Record<string, string | undefined>>,
  given: Readonly<Record<string, string>>,
): Record<string, string | undefined> {
  return { ...Object.fromEntries(Object.entries(env).filter(([name]) => !OWN.has(name))), ...given }
}
