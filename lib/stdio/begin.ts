/** Imported before the module of a server, which may write to the console while it is loaded. */
import { takeStdout } from './output.ts'

takeStdout()
