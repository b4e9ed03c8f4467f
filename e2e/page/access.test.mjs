// Everybody can use every page: axe finds nothing, nothing scrolls sideways, the keyboard reaches all, and nothing depends on the script.
import test from 'node:test';
import assert from 'node:assert/strict';
import { withBrowser, open, wear, violations, picture, desktop, phone, page } from './browser.mjs';

// The pages, each as it is with something on it, empty, and wrong.
const pages = {
  problems: '?view=problems',
  all: '?view=all&limit=1000',
  filtered: '?view=all&q=shop&group=label:team&sort=took',
  'nothing found': '?view=all&q=nothing-is-called-so',
  'wrong parameter': '?viwe=all',
  detail: 'targets/shop-cart',
  'detail of one that is up': 'targets/shop-web',
  'detail of one never probed': 'targets/never',
  'detail of a hostile name': `targets/${encodeURIComponent('<script>alert(1)</script>"\'&')}`,
  'no such target': 'targets/shpo-cart',
  events: 'events',
  'events of a target': 'events?target=shop-cart&kind=state',
  'wrong event': 'events?kind=nothing',
  probes: 'probes',
};
// The looks of a page, by its language.
const looks = {
  en: {
    light: {}, dark: { scheme: 'dark' },
    // 200 % zoom is half of the width.
    '200 %': { viewport: { width: desktop.width / 2, height: desktop.height / 2, deviceScaleFactor: 2 } },
    phone: { viewport: phone }, 'phone, dark': { viewport: phone, scheme: 'dark' },
  },
  ko: { light: {} },
};

test('axe, width and policy', async (t) => {
  await withBrowser(async (browser) => {
    for (const [name, path] of Object.entries(pages)) {
      if (name === 'probes') continue; // that page is the toolkit's
      for (const [language, all] of Object.entries(looks)) {
        const tab = await open(browser, path, { language });
        assert.equal(await tab.evaluate(() => document.documentElement.lang), language);
        for (const [look, options] of Object.entries(all)) {
          await t.test(`${name}, ${language}, ${look}`, async () => {
            await wear(tab, options);
            const { passes, broken } = await violations(tab);
            assert.deepEqual(broken, []);
            assert.ok(passes > 15, `axe looked at ${passes} rules only`);
            const wide = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
            assert.equal(wide, 0, 'it scrolls sideways');
            assert.deepEqual(tab.complaints.filter((c) => !c.includes('status of 4')), []);
          });
        }
        await tab.close();
      }
    }
  });
});

test('without the script every page is complete', async (t) => {
  await withBrowser(async (browser) => {
    for (const [name, path] of Object.entries(pages)) {
      await t.test(name, async () => {
        const text = async (script) => {
          const tab = await open(browser, path, { script });
          // What is said without words for the eye is said, too. Times are put into the zone of the reader, and "live" is said by the script.
          const all = await tab.evaluate(() => [...document.querySelectorAll('h1, h2, th, td:first-child, label, nav a')]
            .filter((e) => !e.querySelector('time')).map((e) => e.textContent.replace(/\s+/g, ' ').trim()));
          await tab.close();
          return all;
        };
        assert.deepEqual(await text(false), await text(true));
      });
    }
  });
});

test('pictures', async () => {
  await withBrowser(async (browser) => {
    for (const [name, path, options] of [
      ['list', '?view=problems', {}], ['all', '?view=all', {}], ['list-dark', '?view=problems', { scheme: 'dark' }],
      ['list-phone', '?view=problems', { viewport: phone }], ['list-korean', '?view=problems', { language: 'ko' }],
      ['detail', 'targets/shop-cart', {}], ['detail-phone', 'targets/shop-cart', { viewport: phone }], ['detail-korean-dark', 'targets/shop-cart', { language: 'ko', scheme: 'dark' }],
      ['events', 'events', {}], ['error', '?viwe=all', {}],
    ]) {
      const tab = await open(browser, path, options);
      await picture(tab, name, name.startsWith('detail'));
      await tab.close();
    }
    const tab = await open(browser, '?view=problems');
    const pdf = await tab.pdf({ format: 'A4' });
    assert.ok(pdf.length > 5000);
    await tab.emulateMediaType('print');
    assert.equal(await tab.evaluate(() => [...document.querySelectorAll('form')].filter((f) => f.checkVisibility()).length), 0, 'forms are printed');
  });
});

test('keyboard', async () => {
  await withBrowser(async (browser) => {
    const tab = await open(browser, '?view=problems');
    const focused = () => tab.evaluate(() => document.activeElement.getAttribute('href') ?? document.activeElement.name ?? document.activeElement.id);
    await tab.keyboard.press('Tab');
    assert.equal(await focused(), '#content', 'the first stop skips to the content');
    const outline = await tab.evaluate(() => { const s = getComputedStyle(document.activeElement); return parseFloat(s.outlineWidth); });
    assert.ok(outline >= 3, `the focus is ${outline} px wide`);

    await tab.keyboard.press('/');
    assert.equal(await focused(), 'q');
    await tab.keyboard.type('j?/');
    assert.equal(await tab.evaluate(() => document.activeElement.value), 'j?/', 'keys are not taken while somebody types');
    await tab.evaluate(() => document.activeElement.blur());

    await tab.keyboard.press('j');
    const first = await focused();
    assert.match(first, /^targets\//);
    await tab.keyboard.press('j');
    assert.notEqual(await focused(), first);
    await tab.keyboard.press('k');
    assert.equal(await focused(), first);

    await tab.keyboard.press('?');
    assert.ok(await tab.evaluate(() => document.querySelector('dialog').open), 'the help is open');
    assert.deepEqual((await violations(tab)).broken, []);
    await tab.keyboard.press('Escape');
    assert.ok(!await tab.evaluate(() => document.querySelector('dialog').open));

    // Single keys can be switched off, and stay so.
    await tab.keyboard.press('?');
    await tab.evaluate(() => document.querySelector('#keys-on').click());
    await tab.reload({ waitUntil: 'load' });
    await tab.keyboard.press('j');
    assert.doesNotMatch(String(await focused()), /^targets\//, 'keys are off');

    const next = await open(browser, '?view=problems');
    await next.focus('a[href^="targets/"]');
    await Promise.all([next.waitForNavigation({ waitUntil: 'load' }), next.keyboard.press('Enter')]);
    assert.match(next.url(), /\/targets\//);
  });
});

test('every link leads somewhere', async () => {
  await withBrowser(async (browser) => {
    const seen = new Set();
    const queue = Object.entries(pages).filter(([name]) => !/wrong|no such/.test(name)).map(([, path]) => page(path));
    const bad = [];
    for (const from of queue) {
      const tab = await browser.newPage();
      await tab.goto(from, { waitUntil: 'load' });
      for (const href of await tab.$$eval('a[href]', (all) => all.map((a) => a.href))) {
        const url = href.split('#')[0];
        if (seen.has(url) || !url.startsWith(page())) continue;
        seen.add(url);
        const answer = await fetch(url, { method: 'HEAD' });
        if (answer.status >= 400 && !url.includes('/logs?')) bad.push(`${from} → ${url}: ${answer.status}`);
        if (seen.size > 400) break;
      }
      await tab.close();
    }
    assert.ok(seen.size > 30, `${seen.size} links`);
    assert.deepEqual(bad, []);
  });
});
