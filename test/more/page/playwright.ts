/** What is used of playwright-core, whose own types are not installed where the repository is type-checked. */

interface Options {
  hasText?: string
  name?: string | RegExp
  exact?: boolean
  level?: number
}

interface Places {
  getByRole(role: string, options?: Options): Locator
  getByText(text: string, options?: Options): Locator
  getByLabel(text: string, options?: Options): Locator
  locator(selector: string, options?: Options): Locator
}

export interface Locator extends Places {
  all(): Promise<Locator[]>
  check(): Promise<void>
  click(): Promise<void>
  count(): Promise<number>
  fill(text: string): Promise<void>
  first(): Locator
  focus(): Promise<void>
  getAttribute(name: string): Promise<string | null>
  inputValue(): Promise<string>
  isChecked(): Promise<boolean>
  isVisible(): Promise<boolean>
  last(): Locator
  nth(index: number): Locator
  selectOption(value: string): Promise<unknown>
  textContent(): Promise<string | null>
  waitFor(): Promise<void>
}

interface SentRequest {
  url(): string
  method(): string
  postData(): string | null
  allHeaders(): Promise<Record<string, string>>
}

interface Events {
  console: { type(): string; text(): string }
  pageerror: Error
  request: SentRequest
}

export interface Page extends Places {
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> }
  context(): { close(): Promise<void> }
  /** Runs the text of a script in the page. */
  evaluate(script: string): Promise<unknown>
  goto(url: string): Promise<unknown>
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): void
  reload(): Promise<unknown>
  setDefaultTimeout(ms: number): void
  title(): Promise<string>
  waitForRequest(fits: (request: SentRequest) => boolean): Promise<SentRequest>
  waitForResponse(fits: (response: { request(): SentRequest }) => boolean): Promise<unknown>
}

export interface Browser {
  newContext(options: object): Promise<{ newPage(): Promise<Page> }>
  close(): Promise<void>
}

export interface Playwright {
  chromium: { launch(options: { executablePath: string; args: string[] }): Promise<Browser> }
}
