/** The exit of this process. A program that is served may not end the process: `process.exit` may be another function then. */
export const exit: (code: number) => never = process.exit.bind(process)
