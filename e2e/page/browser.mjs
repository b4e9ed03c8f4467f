// What the tests of the page share: a browser, the exporter, and the targets that they put up and down.
import puppeteer from 'puppeteer-core';
import { after } from 'node:test';
import { createRequire } from 'node:module';
import { mkdirSync } from 'node:fs';

const { PAGE_URL, CONTROL_URL, CHROMIUM, PICTURES } = process.env;

export const page = (path = '') => PAGE_URL + path;

// control asks the test in Go to do something: set a target, end the exporter, start it.
export async function control(path) {
  const answer = await fetch(CONTROL_URL + path, { method: 'POST' });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.text();
}

// launched is the browser of all tests of a file.
let launched;
after(async () => (await launched)?.close());

// withBrowser runs f with a profile of its own: nothing that another one has kept is in it.
export async function withBrowser(f) {
  launched ??= puppeteer.launch({
    executablePath: CHROMIUM, headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const profile = await (await launched).createBrowserContext();
  try {
    return await f(profile);
  } finally {
    await profile.close();
  }
}

export const desktop = { width: 1280, height: 900 };
export const phone = { width: 360, height: 740, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

// open opens a path in a new tab. Complaints are what the browser wrote to its console, such as a violation of the content security policy.
export async function open(browser, path, { viewport = desktop, scheme = 'light', script = true, language = 'en' } = {}) {
  const tab = await browser.newPage();
  tab.complaints = [];
  tab.on('console', (m) => { if (['error', 'warn'].includes(m.type())) tab.complaints.push(m.text()); });
  tab.on('pageerror', (e) => tab.complaints.push(String(e)));
  await wear(tab, { viewport, scheme });
  await tab.setJavaScriptEnabled(script);
  await tab.setExtraHTTPHeaders({ 'Accept-Language': language });
  // Not until the network is idle: the stream never is.
  tab.answer = await tab.goto(page(path), { waitUntil: 'load' });
  return tab;
}

// wear gives a tab another look.
export async function wear(tab, { viewport = desktop, scheme = 'light' }) {
  await tab.setViewport(viewport);
  await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
}

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

// violations are the rules of WCAG 2.2 AA and good practice that the page of a tab breaks. They are looked for in a world of their own,
// in which the content security policy of the page does not hold.
export async function violations(tab) {
  const world = await tab.createCDPSession();
  const { readFile } = await import('node:fs/promises');
  const { frameTree } = await world.send('Page.getFrameTree');
  const { executionContextId } = await world.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
  const run = async (expression) => {
    const { result, exceptionDetails } = await world.send('Runtime.evaluate', { expression, contextId: executionContextId, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  if (await run('typeof axe') === 'undefined') await run(await readFile(axePath, 'utf8') + '; 0');
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const found = await run(`axe.run(document, {runOnly: ${JSON.stringify(tags)}}).then((r) => JSON.stringify({
    passes: r.passes.length,
    broken: r.violations.map((v) => v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.target.join(' ') + ' ' + n.failureSummary).join(' | ')),
  }))`);
  await world.detach();
  return JSON.parse(found);
}

// picture writes what a tab shows.
export async function picture(tab, name, fullPage = false) {
  mkdirSync(PICTURES, { recursive: true });
  await tab.screenshot({ path: `${PICTURES}/${name}.png`, fullPage });
}

// row is the line of a target in the table.
export const row = (name) => `tr:has(a[href="targets/${encodeURIComponent(name)}"])`;

// until waits for something to become true, and says what it was.
export async function until(what, holds, limit = 30_000) {
  const end = Date.now() + limit;
  for (;;) {
    if (await holds()) return;
    if (Date.now() > end) throw new Error(`after ${limit} ms: not ${what}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

// mistakesInFocus waits for the list of mistakes above a form to have the focus, which a browser gives it some time after the load.
export const mistakesInFocus = (tab) => until('the list of mistakes in focus', () => tab.evaluate(() => document.activeElement.className === 'wrong'));

// metric is the sum of the series of the exporter that begin with a text.
export async function metric(prefix) {
  const text = await (await fetch(page('metrics'))).text();
  return text.split('\n').filter((l) => l.startsWith(prefix)).reduce((sum, l) => sum + Number(l.slice(l.lastIndexOf(' '))), 0);
}
