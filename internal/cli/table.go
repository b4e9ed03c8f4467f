package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/healthcheck-exporter/healthcheck_exporter/internal/printable"
)

const (
	// How wide tables and paragraphs are at most, in characters: what the narrowest terminals show without breaking lines.
	screen = 80
	// The space between two columns.
	gap = 2
	// How far a column is narrowed for the sake of the others.
	narrow = 8
	// How long a word is at most that is broken only if nothing else helps.
	wordy = 20
)

// A table has its titles as the first row. The first cell of a row is what people copy, and is never broken: where it is too
// long, the rest of its row follows on the next line. Other cells go on below themselves.
type table struct {
	rows  [][]string
	notes map[int]string // what is said below a row, by its number
}

// note says something below the last row.
func (t *table) note(text string) {
	if t.notes == nil {
		t.notes = map[int]string{}
	}
	t.notes[len(t.rows)-1] = text
}

// add adds a row; what is empty is a dash.
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

// writeRow writes as many lines as the highest of the cells needs.
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

// widths are those of the columns: as wide as their cells, as long as that fits. Else the widest give way, at first between
// words, then within them.
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
	giveWay(widths, floors)
	return widths
}

// giveWay narrows the widest columns until all fit, none below its floor.
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

// wrap breaks a text between words, and a word that is too long where it must. The first line is so wide, the others may be less.
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

// hang is what lines of a paragraph have before them after the first, so that no text looks like a line of ours.
const hang = "    "

// paragraph writes a text as lines that fit, each after indent.
func paragraph(w io.Writer, indent, text string) {
	room := screen - len(indent)
	for i, line := range wrap(printable.Text(text, maxLine), room, room-len(hang)) {
		if i > 0 {
			line = hang + line
		}
		fmt.Fprintln(w, indent+line)
	}
}
