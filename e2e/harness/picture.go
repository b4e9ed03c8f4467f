package harness

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"slices"
)

// maxColours is how many a PNG with a palette may have.
const maxColours = 256

// FewColours is a PNG that shows the same in the colours that it has most of, each of the others as the nearest of those: of a page with
// text hardly anybody sees it, and it is less than half as long.
func FewColours(picture []byte) ([]byte, error) {
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, fmt.Errorf("reading the picture: %w", err)
	}
	pixels, b := map[color.Color]int{}, img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			pixels[img.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(pixels), func(a, b color.Color) int { return cmp.Compare(pixels[b], pixels[a]) })
	few := image.NewPaletted(b, colours[:min(len(colours), maxColours)])
	draw.Draw(few, b, img, b.Min, draw.Src)
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few)
	return out.Bytes(), err
}
