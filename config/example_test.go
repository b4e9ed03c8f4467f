package config_test

import (
	"errors"
	"fmt"

	"github.com/healthcheck-exporter/healthcheck_exporter/config"
)

func ExampleParse() {
	c, err := config.Parse("healthcheck.yml", []byte(`
modules:
  http_2xx: {prober: http}
targets:
  - name: shop
    url: https://shop.example.com/health
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	shop := c.Target("shop")
	fmt.Println(shop.URL, "every", shop.Interval, "by", shop.Module)
	// Output: https://shop.example.com/health every 30s by http_2xx
}

// All problems are found at once, each with its line and the path of the key.
func ExampleParse_problems() {
	_, err := config.Parse("healthcheck.yml", []byte(`
modules:
  http_2xx:
    prober: htp
targets:
  - name: shop
    url: shop.example.com
    intervall: 10s
`))
	if problems, ok := errors.AsType[config.Errors](err); ok {
		for _, p := range problems {
			fmt.Println(p)
		}
	}
	// Output:
	// healthcheck.yml:4: modules.http_2xx.prober: got "htp", want "http" or "websocket"
	// healthcheck.yml:7: targets[0].url: got no scheme, want an absolute URL with the scheme http, https, ws or wss, did you mean http://shop.example.com?
	// healthcheck.yml:8: targets[0].intervall: unknown key "intervall", did you mean "interval"?
}
