package ui

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// column is a column of a table.
type column struct {
	title string
	right bool // numbers are set to the right
}

// writeTable writes rows under a line of titles, without a frame, so that it can be read, piped and pasted.
// Columns that are empty in every row are left out.
func writeTable(out io.Writer, columns []column, rows [][]string) error {
	columns, rows = withoutEmpty(columns, rows)
	titles := make([]string, len(columns))
	alignment := make(tw.Alignment, len(columns))
	for i, c := range columns {
		titles[i] = strings.ToUpper(c.title)
		alignment[i] = tw.AlignLeft
		if c.right {
			alignment[i] = tw.AlignRight
		}
	}
	var text bytes.Buffer
	table := tablewriter.NewTable(&text,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone,
			Settings: tw.Settings{
				Lines:      tw.Lines{ShowHeaderLine: tw.Off},
				Separators: tw.Separators{BetweenColumns: tw.Off, BetweenRows: tw.Off},
			},
		})),
		tablewriter.WithConfig(tablewriter.Config{
			Header: tw.CellConfig{
				Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
				Alignment:  tw.CellAlignment{PerColumn: alignment},
				Padding:    tw.CellPadding{Global: tw.Padding{Right: "  "}},
			},
			Row: tw.CellConfig{
				Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
				Alignment:  tw.CellAlignment{PerColumn: alignment},
				Padding:    tw.CellPadding{Global: tw.Padding{Right: "  "}},
			},
		}),
	)
	table.Header(titles)
	if err := table.Bulk(rows); err != nil {
		return fmt.Errorf("laying out a table: %w", err)
	}
	if err := table.Render(); err != nil {
		return fmt.Errorf("laying out a table: %w", err)
	}
	for _, line := range strings.Split(strings.TrimRight(text.String(), "\n"), "\n") {
		if _, err := fmt.Fprintln(out, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

func withoutEmpty(columns []column, rows [][]string) ([]column, [][]string) {
	var kept []int
	for i := range columns {
		for _, row := range rows {
			if row[i] != "" {
				kept = append(kept, i)
				break
			}
		}
	}
	if len(rows) == 0 {
		return columns, rows
	}
	narrow := make([]column, len(kept))
	for j, i := range kept {
		narrow[j] = columns[i]
	}
	shorter := make([][]string, len(rows))
	for r, row := range rows {
		for _, i := range kept {
			shorter[r] = append(shorter[r], row[i])
		}
	}
	return narrow, shorter
}
