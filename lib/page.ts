/** The page for people: `mcp-anywhere/page`. A bundle without it has nothing of the page. */
export { type Page, page } from './page/routes.ts'
