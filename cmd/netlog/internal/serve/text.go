package serve

import (
	"fmt"
	"strings"

	"github.com/go-netlog/netlog/internal/flowtable"
)

// maxText limits the bytes that are shown of the text of an entry. A long text may cost its
// sender little, since it is compressed, and stdout may be a log that keeps all of it.
const maxText = 256

// shownText returns text as it is shown in a line.
func shownText(text string) string {
	text = strings.TrimSpace(text)
	if len(text) <= maxText {
		return flowtable.Clean(text)
	}
	cut := strings.ToValidUTF8(text[:maxText], "")
	return fmt.Sprintf("%s... (%d bytes)", flowtable.Clean(cut), len(text))
}
