package gateway

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"portti/cda/frame"
	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/cda/rules/pdfcheck"
	"portti/cda/xsd"
	"portti/gateway/access"
	"portti/gateway/fhir"
	"portti/gateway/logs"
	"portti/gateway/pipeline"
	"portti/gateway/validation"
	"portti/gateway/web"
	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/store"
	"portti/xmldsig"

	"github.com/rs/zerolog"
)

// Config is all that a running gateway with its archive is made of.
type Config struct {
	// Data is the archive's directory; it is made at first. Master gives its master key;
	// with it a new archive is encrypted.
	Data   string
	Master store.KeySource
	// ReplayList is the store's.
	ReplayList string
	// Stamp has checkpoints time-stamped every StampEvery; nil has not.
	Stamp      store.Stamper
	StampEvery time.Duration
	// Profile, World and Lang: see packages catalogue and pipeline.
	Profile catalogue.Profile
	World   pipeline.World
	Lang    catalogue.Lang
	// Trust judges signers.
	Trust xmldsig.Trust
	// Book is what documents are held to; the shipped one where nil.
	Book *rules.Book
	// PhrasesExact and Phase1Until: see pipeline.Judge.
	PhrasesExact bool
	Phase1Until  time.Time
	// Systems are the joined systems; none takes whoever the frame names.
	Systems pipeline.Systems
	// Access are the choices about registry-use rights that the sources leave open.
	Access access.Settings
	// AcceptHealth archives health documents, in the test world only.
	AcceptHealth      bool
	RequireAddressing bool
	// Signer makes the archive's own signatures; nil for none.
	Signer *pipeline.ArchiveSigner
	// Versions are what runs here, for the operator: name and version by turns.
	Versions []string
	// Archivists may log in by card; DemoLogin lets whoever sits at this machine be one
	// of them (the demo world). Samples are what the workbench offers; nil for none.
	Archivists []web.Archivist
	OIDC       *web.OIDC
	// UsageRules are those that find unusual use (LOG-6); nil for the shipped ones.
	UsageRules []logs.Rule
	DemoLogin  bool
	Suite      web.Suite
	// Guide is the suite's observing mode; its traffic hook is Traffic.
	Guide   web.Guide
	Samples fs.FS
	// Root is the OID of acknowledgement ids, Owner the organisation of messages
	// without client certificate.
	Root, Owner string
	// MaxAnswer bounds the octets of documents in one part of an answer; 0 means 8 MB.
	MaxAnswer int64
	// Document and InFlight are limits in bytes; 0 means 20 MB and 256 MB.
	Document, InFlight int64
	// Traffic and AdminPages: see Options.
	Traffic    func(http.Handler) http.Handler
	AdminPages map[string]http.Handler
	// Listen, TLSListen and Admin are addresses; "" leaves a listener out.
	Listen, TLSListen, Admin string
	TLS                      TLSFiles
	Log                      zerolog.Logger
	Now                      func() time.Time
	NewID                    func() string
}

// Instance is a gateway with its archive.
type Instance struct {
	*Server
	Store *store.Store
	Judge *pipeline.Judge
	// Engine decides about access with the archive's state.
	Engine *access.Engine

	site      *web.Site
	endUpkeep context.CancelFunc
	keeping   sync.WaitGroup
}

// ErrProduction: the production world demands more than is configured; the text that
// wraps it says what.
var ErrProduction = errors.New("gateway: the production world")

// ErrPlain: plain HTTP would let in who has no certificate.
var ErrPlain = errors.New("gateway: client certificates are required, but plain HTTP listens beyond this machine: leave it out or on 127.0.0.1")

// NewJudge makes the engine of the document stages. limit is a document's
// greatest size in bytes, 0 for the default.
func NewJudge(profile catalogue.Profile, world pipeline.World, trust xmldsig.Trust, limit int64, now func() time.Time) *pipeline.Judge {
	return &pipeline.Judge{
		Profile: profile, World: world, PDFs: pdfcheck.New(max(1, runtime.GOMAXPROCS(0)/2)),
		Verifier: &xmldsig.Verifier{Trust: trust, Now: now},
		Frames:   frame.Reader{Profile: profile},
		Limits:   xmltree.Limits{Bytes: int(documentLimit(limit))},
	}
}

func documentLimit(n int64) int64 {
	if n > 0 {
		return n
	}
	return 20 << 20
}

// Open opens (or creates) the archive and makes the server, which does not
// listen yet: Start does that. Close what was opened with Close.
func Open(ctx context.Context, c Config) (*Instance, error) {
	if err := c.checkWorld(); err != nil {
		return nil, err
	}
	if err := xsd.Compile(); err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, store.Options{Dir: c.Data, Now: c.Now, Master: c.Master, ReplayList: c.ReplayList, Stamp: c.Stamp, StampEvery: c.StampEvery})
	if err != nil {
		return nil, err
	}
	if c.World == pipeline.Production && !st.Encrypted() {
		return nil, errors.Join(fmt.Errorf("%w needs encryption at rest: the archive in %s was made without", ErrProduction, c.Data), st.Close())
	}
	i := &Instance{Store: st, Judge: NewJudge(c.Profile, c.World, c.Trust, c.Document, c.Now)}
	i.Judge.PhrasesExact, i.Judge.Phase1Until = c.PhrasesExact, c.Phase1Until
	if c.Book != nil {
		i.Judge.Use(c.Book)
	}
	if err := errors.Join(i.Judge.Load(c.Data), i.assemble(c)); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	var keep context.Context
	keep, i.endUpkeep = context.WithCancel(context.WithoutCancel(ctx))
	i.keeping.Go(func() {
		day := time.NewTicker(upkeepEvery)
		defer day.Stop()
		upkeep(keep, i.Store, c.Log, day.C)
	})
	return i, nil
}

// checkWorld refuses a production world that lets in who has no certificate.
func (c *Config) checkWorld() error {
	if c.World != pipeline.Production {
		return nil
	}
	switch {
	case c.Master == nil:
		return fmt.Errorf("%w needs encryption at rest", ErrProduction)
	case c.TLSListen == "" || c.TLS.Clients != RequireClientCertificates:
		return fmt.Errorf("%w needs HTTPS with required client certificates", ErrProduction)
	case c.Listen != "":
		return fmt.Errorf("%w has no plain HTTP, not even on loopback", ErrProduction)
	}
	return nil
}

func (i *Instance) assemble(c Config) error {
	limit := MessageLimit(documentLimit(c.Document))
	i.Engine = &access.Engine{State: i.Store, Settings: c.Access}
	known := pipeline.NewStateAccess(pipeline.KnownAccess{Profile: c.Profile, World: c.World, AcceptHealth: c.AcceptHealth,
		Systems: c.Systems, Organisations: i.Judge.Organisations}, i.Engine)
	p, err := pipeline.New(pipeline.Options{
		Judge: i.Judge, Archive: i.Store, Library: i.Store, Orders: i.Store, Access: known, Release: i.release(), MaxAnswer: c.MaxAnswer, Signer: c.Signer,
		MessageLimits: xmltree.Limits{Bytes: int(limit)}, RequireAddressing: c.RequireAddressing,
		Lang: c.Lang, Root: c.Root, Owner: c.Owner, Parallel: runtime.GOMAXPROCS(0), Bulk: known.Migrates, Now: c.Now, NewID: c.NewID,
	})
	if err != nil {
		return err
	}
	v, err := validation.New(validation.Options{
		Judge: i.Judge, FrameLimits: xmltree.Limits{Bytes: int(limit)}, Lang: c.Lang,
		Parallel: max(1, runtime.GOMAXPROCS(0)/2), // archiving keeps the other half
		Errors:   "/errors",
		Try: func(ctx context.Context, t pipeline.Trial) ([]finding.Finding, error) {
			return pipeline.Try(ctx, i.Judge, known, i.Store, t)
		},
	})
	if err != nil {
		return err
	}
	n, err := fhir.New(fhir.Options{
		Archive: i.Store, Profile: c.Profile, World: c.World, Lang: c.Lang, Owner: c.Owner,
		MayActFor: known.MayActFor, Joined: known.Joined,
		RequireCertificate: c.TLS.Clients == RequireClientCertificates,
		Parallel:           runtime.GOMAXPROCS(0), Now: c.Now,
	})
	if err != nil {
		return err
	}
	o := Options{
		Handler: p, Traffic: c.Traffic, AdminPages: c.AdminPages, Profile: c.Profile, Validation: v, Notices: n, Listen: c.Listen, TLSListen: c.TLSListen, Admin: c.Admin,
		Lang: c.Lang, Versions: c.Versions,
		Limits: Limits{Message: limit, InFlight: c.InFlight}, Log: c.Log, Now: c.Now, NewID: c.NewID,
		Prove:  i.prove,
		Proofs: &proofs{archive: i.Store, standing: known.Standing, profile: c.Profile, lang: c.Lang, owner: c.Owner, log: c.Log, now: c.Now},
	}
	watch := &archiveMetrics{archive: i.Store, dir: c.Data, certificates: map[string]time.Time{}, backup: i.Store.LastBackup}
	o.Ready = watch.ready
	if o.Pages, err = i.pages(c); err != nil {
		return err
	}
	if c.TLS.Clients == RequireClientCertificates && c.Listen != "" && !loopback(c.Listen) {
		return ErrPlain
	}
	if c.TLSListen != "" {
		if o.TLS, err = TLSConfig(c.TLS); err == nil {
			o.TLS.Time = c.Now
		} else {
			return err
		}
	}
	for _, x := range i.certificates(c, o.TLS) {
		if end, there := watch.certificates[x.Use]; !there || x.End.Before(end) {
			watch.certificates[x.Use] = x.End
		}
	}
	o.State = func() web.OperatorState { return i.operatorState(c, o.TLS, watch) }
	if i.Server, err = New(o); err == nil {
		err = i.Server.metrics.registry.Register(watch)
	}
	return err
}

// pages makes the pages for people.
func (i *Instance) pages(c Config) (http.Handler, error) {
	o := web.Options{
		Lang: c.Lang, Store: i.Store, Judge: i.Judge, Workbench: c.World == pipeline.Test, Samples: c.Samples, Suite: c.Suite, Guide: c.Guide,
		Archivists: c.Archivists, OIDC: c.OIDC, UsageRules: c.UsageRules, DemoLogin: c.DemoLogin, Now: c.Now, NewID: c.NewID, Log: c.Log,
	}
	var err error
	i.site, err = web.New(o)
	return i.site, err
}

// release decides who is given what queries find, by the state of clients that the
// archive holds.
func (i *Instance) release() pipeline.Release {
	return pipeline.EngineRelease{Engine: i.Engine, Organisations: i.Judge.Organisations}
}

// writable tells whether the data directory takes a file.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".ready-*")
	if err != nil {
		return fmt.Errorf("gateway: data directory: %w", err)
	}
	_, err = f.Write([]byte{1})
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(filepath.Clean(f.Name())))
}

// Close stops the server (as Stop does) and closes the archive.
func (i *Instance) Close(ctx context.Context) error {
	if i.site != nil {
		i.site.Close() // a run of the suite sends to this very gateway
	}
	err := i.Stop(ctx)
	i.endUpkeep()
	i.keeping.Wait()
	return errors.Join(err, i.Store.Close(), i.Judge.PDFs.Close())
}
