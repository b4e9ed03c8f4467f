package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

const (
	// The most characters in a line of a table or paragraph: what the narrowest terminals show without breaking it.
	screen = 80
	// The space between two columns.
	gap = 2
	// The least width to which a column is narrowed to make room for others.
	narrow = 8
	// The longest word that is broken only if nothing else helps.
	wordy = 24
)

// A table has its titles in the first row. The first cell of a row is never broken, because people copy it: if it is too long,
// the rest of its row follows on the next line. Other cells are wrapped within their column.
type table struct {
	rows  [][]string
	notes map[int]string // texts below rows, by the number of the row
}

// note adds a text below the last row.
func (t *table) note(text string) {
	if t.notes == nil {
		t.notes = map[int]string{}
	}
	t.notes[len(t.rows)-1] = text
}

// add adds a row. An empty cell is shown as a dash.
func (t *table) add(cells ...string) {
	for i, c := range cells {
		if c = oneLine(c); c == "" {
			c = "-"
		}
		cells[i] = c
	}
	t.rows = append(t.rows, cells)
}

// write writes the table.
func (t *table) write(w io.Writer) {
	widths := t.widths()
	for i, cells := range t.rows {
		if utf8.RuneCountInString(cells[0]) > widths[0] {
			fmt.Fprintln(w, cells[0])
			cells = append([]string{""}, cells[1:]...)
		}
		writeRow(w, cells, widths)
		if text, ok := t.notes[i]; ok {
			paragraph(w, "  ", text)
		}
	}
}

// writeRow writes as many lines as the highest cell needs.
func writeRow(w io.Writer, cells []string, widths []int) {
	columns, height := make([][]string, len(cells)), 1
	for i, c := range cells {
		columns[i] = wrap(c, widths[i], widths[i])
		height = max(height, len(columns[i]))
	}
	for y := range height {
		var line strings.Builder
		for i, column := range columns {
			text := ""
			if y < len(column) {
				text = column[y]
			}
			line.WriteString(text + strings.Repeat(" ", widths[i]+gap-utf8.RuneCountInString(text)))
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// widths returns the widths of the columns. They are as wide as their cells if that fits. Otherwise the widest are narrowed, at
// first so that lines break between words, then the first column, then the others so that lines break within words.
func (t *table) widths() []int {
	widths, words, floors := make([]int, len(t.rows[0])), make([]int, len(t.rows[0])), make([]int, len(t.rows[0]))
	for i := range widths {
		floors[i] = max(narrow, utf8.RuneCountInString(t.rows[0][i]))
		for _, cells := range t.rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(cells[i]))
			for word := range strings.FieldsSeq(cells[i]) {
				words[i] = max(words[i], min(utf8.RuneCountInString(word), wordy))
			}
		}
	}
	words[0] = min(widths[0], wordy)
	giveWay(widths, words)
	words[0] = floors[0] // a cell that is too long has its own line, and is not broken
	giveWay(widths, words)
	giveWay(widths, floors)
	return widths
}

// giveWay narrows the widest columns until all of them fit, but none below its floor.
func giveWay(widths, floors []int) {
	total := gap * (len(widths) - 1)
	for _, width := range widths {
		total += width
	}
	for ; total > screen; total-- {
		widest := -1
		for i, width := range widths {
			if width > floors[i] && (widest < 0 || width > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// wrap breaks a text between words, and within a word that is too long for a line. The first line may be wider than the others.
func wrap(text string, first, others int) []string {
	lines, width := []string{""}, first
	next := func(text string) {
		lines, width = append(lines, text), others
	}
	for word := range strings.FieldsSeq(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(word) <= width:
			*last += " " + word
		default:
			next(word)
		}
		for last = &lines[len(lines)-1]; utf8.RuneCountInString(*last) > width; last = &lines[len(lines)-1] {
			runes := []rune(*last)
			*last = string(runes[:width])
			next(string(runes[width:]))
		}
	}
	return lines
}

// hang indents every line of a paragraph but the first, so that no text from outside looks like a line of ours.
const hang = "    "

// paragraph writes a text as lines that fit the screen, each after indent.
func paragraph(w io.Writer, indent, text string) {
	room := screen - len(indent)
	for i, line := range wrap(printable.Text(text, maxLine), room, room-len(hang)) {
		if i > 0 {
			line = hang + line
		}
		fmt.Fprintln(w, indent+line)
	}
}
