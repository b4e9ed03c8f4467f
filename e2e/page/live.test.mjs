// What changes is seen without a reload, and disturbs nobody.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withBrowser, open, control, row, until, metric, page } from './browser.mjs';

const text = (tab, selector) => tab.$eval(selector, (e) => e.innerText).catch(() => '');
const viewers = () => metric('healthcheck_exporter_page_viewers');

// A change is seen in the browser within a second after its probe. Machines are shared: the median of several must be.
test('a change is seen within a second', async (t) => {
  await withBrowser(async (browser) => {
    const tab = await open(browser, '?view=all&limit=1000');
    await until('live', async () => await viewers() >= 1);
    const took = [];
    for (let i = 0; i < 7; i++) {
      const down = i % 2 === 0;
      await control(`/set?name=shop-web&status=${down ? 503 : 200}`);
      const begin = Date.now();
      await until('seen', async () => (await text(tab, row('shop-web'))).includes('503') === down);
      took.push(Date.now() - begin);
    }
    took.sort((a, b) => a - b);
    t.diagnostic(`seen after ${took.join(', ')} ms`);
    assert.ok(took[3] <= 1000, `the median is ${took[3]} ms`);
    assert.deepEqual(tab.complaints, []);
  });
});

test('problems come and go by themselves, and the title counts them', async () => {
  await withBrowser(async (browser) => {
    const tab = await open(browser, '?view=problems');
    assert.equal(await tab.$(row('shop-search')), null);
    const before = parseInt(await tab.title(), 10);
    await control('/set?name=shop-search&status=500');
    await until('there', async () => await tab.$(row('shop-search')) !== null);
    await until('counted', async () => parseInt(await tab.title(), 10) === before + 1);
    await control('/set?name=shop-search&status=200');
    await until('gone', async () => await tab.$(row('shop-search')) === null);
    await until('counted', async () => parseInt(await tab.title(), 10) === before);
  });
});

test('the focus survives 200 changes a second', async () => {
  await withBrowser(async (browser) => {
    const tab = await open(browser, '?view=all&limit=1000');
    await until('live', async () => await viewers() >= 1);
    const link = `${row('many-007')} a`;
    await tab.focus(link);
    await tab.evaluate((s) => { window.held = document.querySelector(s); }, link);
    await control('/storm?changes=1000&rate=200');
    assert.ok(await tab.evaluate(() => document.activeElement === window.held && window.held.isConnected), 'the focus is where it was');
    // The row is brought up to date once the focus leaves it.
    await control('/set?name=many-007&status=418');
    await tab.evaluate(() => document.activeElement.blur());
    await until('up to date', async () => (await text(tab, row('many-007'))).includes('418'));
    await control('/calm');
    await until('calm', async () => !(await text(tab, 'main')).includes('418'));
    assert.deepEqual(tab.complaints, []);
  });
});

test('a hidden tab frees its stream and catches up', async () => {
  await withBrowser(async (browser) => {
    const tab = await open(browser, '?view=all&limit=1000');
    await until('live', async () => await viewers() === 1);
    // Headless tabs are never hidden by themselves.
    const hide = (hidden) => tab.evaluate((hidden) => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => (hidden ? 'hidden' : 'visible') });
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    }, hidden);
    await hide(true);
    await until('freed', async () => await viewers() === 0);
    await control('/set?name=shop-web&status=503');
    await hide(false);
    await until('caught up', async () => (await text(tab, row('shop-web'))).includes('503'));
    await control('/set?name=shop-web&status=200');
    await until('live again', async () => !(await text(tab, row('shop-web'))).includes('503'));
  });
});

test('the exporter is started anew: the page goes on by itself', async () => {
  await withBrowser(async (browser) => {
    const tab = await open(browser, '?view=all&limit=1000');
    await until('live', async () => await viewers() === 1);
    await control('/stop');
    await control('/start');
    await control('/set?name=shop-web&status=503');
    // It asks again after 3 s. What it has missed it gets, or the page is loaded anew.
    await until('caught up', async () => (await text(tab, row('shop-web'))).includes('503'), 20_000);
    await control('/set?name=shop-web&status=200');
    await until('live again', async () => !(await text(tab, row('shop-web'))).includes('503'));
  });
});

test('without the exporter it says that it is not live', async () => {
  await withBrowser(async (browser) => {
    const tab = await open(browser, '?view=all&limit=1000');
    await until('live', async () => await viewers() === 1);
    const shown = () => tab.evaluate(() => document.querySelector('#live').checkVisibility());
    assert.ok(!await shown());
    await control('/stop');
    await until('said', shown, 30_000);
    await control('/start');
    await control('/probe');
  });
});

test('hostile names stay text', async () => {
  await withBrowser(async (browser) => {
    const tab = await open(browser, '?view=all&limit=1000');
    await until('live', async () => await viewers() >= 1);
    const name = '<script>alert(1)</script>"\'&';
    await control(`/set?name=${encodeURIComponent(name)}&status=500`);
    await until('there', () => tab.$$eval('td, th', (all, name) => all.some((e) => e.innerText.includes(name) && e.closest('tr').innerText.includes('500')), name));
    assert.equal(await tab.$$eval('main script', (all) => all.length), 0);
    assert.deepEqual(tab.complaints, []);
    const link = await tab.$$eval('a', (all, name) => all.find((a) => a.innerText.includes(name))?.href, name);
    assert.equal((await fetch(link)).status, 200);
    assert.ok(link.startsWith(page('targets/')));
  });
});
