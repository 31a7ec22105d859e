package migrate

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"sync"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// Bounds of pictures: decoded pages must not fill the memory.
const (
	maxPages  = 500
	maxPixels = 80 << 20 // an A3 page of 600 dots an inch, in one page
	maxAll    = 400 << 20
	// manyPixels are decoded one page at a time in the whole process.
	manyPixels = 4 << 20
)

var decoding sync.Mutex

// onePage decodes a page: large ones one after another.
func onePage(c image.Config, decode func() error) error {
	if c.Width <= 0 || c.Height <= 0 || c.Width > 1<<16 || c.Height > 1<<16 || c.Width*c.Height > maxPixels {
		return errPicture
	}
	if c.Width*c.Height > manyPixels {
		decoding.Lock()
		defer decoding.Unlock()
	}
	return decode()
}

var errPicture = errors.New("no sound picture, or too large")

// soundJPEG gives a page as it is, where its picture can be decoded. Signs of four
// colours (CMYK) and of none that JPEG knows by itself become common ones: a display
// form and an archive's PDF can show those alone.
func soundJPEG(b []byte) ([]byte, error) {
	c, err := jpeg.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	out := b
	return out, onePage(c, func() error {
		m, err := jpeg.Decode(bytes.NewReader(b))
		if err == nil && c.ColorModel != color.GrayModel && c.ColorModel != color.YCbCrModel {
			out, err = asJPEG(m)
		}
		return err
	})
}

func asJPEG(m image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 85})
	return b.Bytes(), err
}

// display shows pages in a display form.
func display(pages [][]byte) string {
	out := ""
	for _, p := range pages {
		out += section("Sivu", `<img alt="Sivun kuva" src="data:image/jpeg;base64,`+base64.StdEncoding.EncodeToString(p)+`"/>`)
	}
	return out
}

// archival are the metadata of PDF/A-2b.
const archival = `<?xpacket begin="` + "\uFEFF" + `" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"><pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance></rdf:Description>
</rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>`

// noConfiguration keeps the library from making files of its own in the user's folder.
var noConfiguration = sync.OnceFunc(api.DisableConfigDir)

// pagesPDF makes a PDF of JPEG pages, each on a page of A4, to the rules of PDF/A-2b:
// no fonts, no transparency, colours told apart from any device, metadata in the clear.
func pagesPDF(pages [][]byte) ([]byte, error) {
	noConfiguration()
	conf := model.NewDefaultConfiguration()
	conf.Offline, conf.WriteObjectStream, conf.WriteXRefStream = true, false, false
	ctx, err := pdfcpu.CreateContextWithXRefTable(conf, types.PaperSize["A4"])
	if err != nil {
		return nil, err
	}
	root, err := ctx.Catalog()
	if err != nil {
		return nil, err
	}
	tree, err := ctx.Pages()
	if err != nil {
		return nil, err
	}
	kids, err := ctx.DereferenceDict(*tree)
	if err != nil {
		return nil, err
	}
	for _, p := range pages {
		if err := appendPage(ctx, p, tree, kids); err != nil {
			return nil, err
		}
	}
	x := types.StreamDict{Dict: types.Dict{"Type": types.Name("Metadata"), "Subtype": types.Name("XML"), "Length": types.Integer(len(archival))}, Content: []byte(archival), Raw: []byte(archival)}
	length := int64(len(archival))
	x.StreamLength = &length
	ref, err := ctx.IndRefForNewObject(x)
	if err != nil {
		return nil, err
	}
	root["Metadata"] = *ref
	var out bytes.Buffer
	if err := api.WriteContext(ctx, &out); err != nil {
		return nil, fmt.Errorf("migrate: PDF of pages: %w", err)
	}
	return out.Bytes(), nil
}

// appendPage adds one page with its picture as it is.
func appendPage(ctx *model.Context, p []byte, tree *types.IndirectRef, kids types.Dict) error {
	c, err := jpeg.DecodeConfig(bytes.NewReader(p))
	if err != nil {
		return err
	}
	sheet := *types.PaperSize["A4"]
	if c.Width > c.Height {
		sheet.Width, sheet.Height = sheet.Height, sheet.Width
	}
	refs, err := pdfcpu.NewPagesForImage(ctx.XRefTable, bytes.NewReader(p), tree, &pdfcpu.Import{PageDim: &sheet, Pos: types.Center, Scale: 1, InpUnit: types.POINTS})
	if err != nil {
		return err
	}
	for _, r := range refs {
		if err := deviceless(ctx, r); err != nil {
			return err
		}
		if err := model.AppendPageTree(r, 1, kids); err != nil {
			return err
		}
		ctx.PageCount++
	}
	return nil
}

// deviceless gives the pictures of a page colours that mean the same on every device
// (those of sRGB), as PDF/A demands where a file brings no profile of its own.
func deviceless(ctx *model.Context, page *types.IndirectRef) error {
	d, err := ctx.DereferenceDict(*page)
	if err != nil {
		return err
	}
	resources, err := ctx.DereferenceDict(d["Resources"])
	if err != nil {
		return err
	}
	pictures, err := ctx.DereferenceDict(resources["XObject"])
	if err != nil {
		return err
	}
	white := types.NewNumberArray(0.9505, 1, 1.089)
	for _, o := range pictures {
		x, _, err := ctx.DereferenceStreamDict(o)
		if err != nil {
			return err
		}
		x.Delete("Interpolate")
		switch x.Dict["ColorSpace"] {
		case types.Name(model.DeviceGrayCS):
			x.Dict["ColorSpace"] = types.Array{types.Name("CalGray"), types.Dict{"WhitePoint": white, "Gamma": types.Float(2.2)}}
		case types.Name(model.DeviceRGBCS):
			x.Dict["ColorSpace"] = types.Array{types.Name("CalRGB"), types.Dict{"WhitePoint": white, "Gamma": types.NewNumberArray(2.2, 2.2, 2.2),
				"Matrix": types.NewNumberArray(0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505)}}
		default:
			return errPicture
		}
	}
	return nil
}
