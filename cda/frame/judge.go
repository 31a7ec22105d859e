package frame

import (
	"slices"
	"strings"

	"portti/cda"
	"portti/cda/frame/interactions"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// judgeWrapper tells what is missing or wrong in the transmission wrapper.
func (r *reader) judgeWrapper() {
	f := r.f
	switch {
	case !f.ID.HasValue():
		f.Fatal = true
		r.add(RuleIDMissing, at(f.ID.Node, f.Root), "")
	case !cda.ValidOID(f.ID.Root):
		r.addAttr(RuleIDOID, f.ID.Node, "root", f.ID.Root)
	}
	r.creationTime()
	if f.VersionCode.HasValue() && !slices.Contains(versionCodes, f.VersionCode.Code) {
		r.addAttr(RuleVersionCode, f.VersionCode.Node, "code", f.VersionCode.Code)
	}
	r.interactionID()
	r.oneOf(f.ProcessingCode, []string{"D", "P", "T"}, RuleProcessingMissing, RuleProcessingUnknown)
	r.oneOf(f.ProcessingMode, []string{"T"}, RuleModeMissing, RuleModeUnknown)
	r.oneOf(f.AcceptAck, []string{"ER", "AL", "NE", "SU"}, RuleAcceptMissing, RuleAcceptUnknown)
	r.device(f.Receiver, RuleReceiverMissing, RuleReceiverOID)
	r.device(f.Sender, RuleSenderMissing, RuleSenderOID)
	if f.ControlAct <= 0 {
		r.add(RuleControlActMissing, f.Root, "")
	}
}

// versionCodes are the versions of the V3 wrapper that are in use (kanta-interface 3.5).
var versionCodes = []string{"V3-2005", "V3-2006"}

func (r *reader) creationTime() {
	f := r.f
	switch {
	case !f.CreationTime.HasValue():
		r.add(RuleCreation, at(f.CreationTime.Node, f.Root), "")
	case !f.CreationTime.Valid():
		r.addAttr(RuleCreationSyntax, f.CreationTime.Node, "value", f.CreationTime.Raw, finding.P("fault", f.CreationTime.Fault.String()))
	case !f.CreationTime.HasOffset && !f.IsHealth():
		r.addAttr(RuleCreationOffset, f.CreationTime.Node, "value", f.CreationTime.Raw)
	}
}

func (r *reader) interactionID() {
	f := r.f
	switch {
	case f.InteractionID.Extension == "":
		r.add(RuleInteractionMissing, at(f.InteractionID.Node, f.Root), "")
		return
	case f.InteractionID.Extension != f.Interaction.Name:
		r.addAttr(RuleInteractionDiffers, f.InteractionID.Node, "extension", f.InteractionID.Extension, finding.P("root", f.Interaction.Name))
	}
	if f.InteractionID.Root != RootInteraction {
		r.addAttr(RuleInteractionRoot, f.InteractionID.Node, "root", f.InteractionID.Root)
	}
}

// oneOf judges a mandatory code of a closed list.
func (r *reader) oneOf(c cda.Coded, allowed []string, missing, unknown string) {
	switch {
	case !c.HasValue():
		r.add(missing, at(c.Node, r.f.Root), "")
	case !slices.Contains(allowed, c.Code):
		r.addAttr(unknown, c.Node, "code", c.Code)
	}
}

func (r *reader) device(d Device, missing, oid string) {
	switch {
	case !d.ID.HasValue():
		r.add(missing, at(d.ID.Node, at(d.Node, r.f.Root)), "")
	case !cda.ValidOID(d.ID.Root):
		r.addAttr(oid, d.ID.Node, "root", d.ID.Root)
	}
}

// judgeControlAct tells what is missing or wrong in controlActProcess.
func (r *reader) judgeControlAct() {
	f := r.f
	switch f.MoodCode {
	case "EVN":
	case "RQO":
		if f.IsHealth() {
			break
		}
		fallthrough
	default:
		r.addAttr(RuleMood, f.ControlAct, "moodCode", f.MoodCode)
	}
	r.trigger()
	if f.Priority.HasValue() && f.Priority.Code != "R" && f.Priority.Code != "UR" {
		r.addAttr(RulePriority, f.Priority.Node, "code", f.Priority.Code)
	}
	if r.judgeQuery() {
		return
	}
	r.service()
	r.judgeUser()
	switch {
	case f.Subject <= 0:
		r.add(RuleSubjectMissing, f.ControlAct, "")
	case !f.Document.Present():
		r.add(RuleDocumentMissing, f.Subject, "")
	case f.Orders():
		r.judgeOrder()
	default:
		r.judgeDocument()
	}
}

// judgeQuery judges a query or the continuation of one; false for any other message.
// A continuation need not tell again who asks and what for.
func (r *reader) judgeQuery() bool {
	f := r.f
	ask := r.query
	switch f.Interaction.Kind {
	case interactions.KindQuery:
		r.service()
		r.judgeUser()
	case interactions.KindContinuation:
		if len(f.Reasons) > 0 {
			r.service()
		}
		if f.User.Present() {
			r.judgeUser()
		}
		ask = r.continuation
	default:
		return false
	}
	if f.Query <= 0 {
		r.add(RuleQueryMissing, f.ControlAct, "")
		return true
	}
	ask()
	return true
}

// trigger judges the trigger event. One real frame leaves out its code, so its
// absence is no error. An interaction that is ours by assumption binds nobody to the
// trigger event that is assumed with it.
func (r *reader) trigger() {
	f := r.f
	if !f.Trigger.HasValue() {
		r.add(RuleTriggerMissing, at(f.Trigger.Node, f.ControlAct), "")
		return
	}
	if len(f.Interaction.Triggers) > 0 && f.Interaction.Certainty != interactions.Local && !slices.Contains(f.Interaction.Triggers, f.Trigger.Code) {
		r.addAttr(RuleTriggerDiffers, f.Trigger.Node, "code", f.Trigger.Code,
			finding.P("interaction", f.Interaction.Name), finding.P("expected", strings.Join(f.Interaction.Triggers, ", ")))
	}
	if f.Trigger.System != SystemTrigger {
		r.addAttr(RuleTriggerSystem, f.Trigger.Node, "codeSystem", f.Trigger.System)
	}
}

func (r *reader) judgeUser() {
	u := r.f.User
	if !u.Present() {
		r.add(RuleUserMissing, r.f.ControlAct, "")
		return
	}
	if u.TypeCode != "PRF" && u.TypeCode != "AUT" {
		r.addAttr(RuleUserType, u.Node, "typeCode", u.TypeCode)
	}
	if !u.Organization.ID.HasValue() {
		r.add(RuleUserOrganization, at(u.Organization.Node, u.Node), "")
	}
	if r.f.IsHealth() { // a health frame names the organisation only (kanta-interface 3.4)
		return
	}
	if !u.ID.HasValue() {
		r.add(RuleUserID, at(u.ID.Node, u.Node), "")
	}
	if !u.Name.HasValue() {
		r.add(RuleUserName, at(u.Name.Node, u.Node), "")
	}
}

// judgeDocument tells what is missing or wrong in clinicalDocument by itself. What
// it must have in common with the document is judged by package rules.
func (r *reader) judgeDocument() {
	m := &r.f.Document
	r.oid(m.ID, RuleDocumentID, RuleDocumentIDOID)
	r.oid(m.SetID, RuleDocumentSetID, RuleDocumentSetIDOID)
	if m.Text <= 0 && !r.f.NullifiesByFrame() {
		r.add(RuleTextMissing, m.Node, "")
	}
	switch {
	case !m.Version.HasValue():
		r.add(RuleDocumentVersion, at(m.Version.Node, m.Node), "")
	case !m.Version.Valid || m.Version.Value < 1:
		r.addAttr(RuleDocumentVersionBad, m.Version.Node, "value", m.Version.Raw)
	}
	r.effectiveTime(m)
	switch {
	case !m.Status.HasValue():
		r.add(RuleDocumentStatus, at(m.Status.Node, m.Node), "")
	case !strings.EqualFold(m.Status.Code, "completed") && !r.f.table.NullifiedStatus(m.Status.Code):
		r.addAttr(RuleDocumentStatusBad, m.Status.Node, "code", m.Status.Code)
	}
	r.needs(m.Register.HasValue(), m.Register.Node, RuleDocumentRegister)
	r.needs(m.Completion.HasValue(), m.Completion.Node, RuleDocumentCompletion)
	r.needs(m.Storage.HasValue(), m.Storage.Node, RuleDocumentStorage)
	r.documentParties(m)
	r.replacement(m)
	if form := r.f.NullifyForm(); r.f.table.Assumed(form) {
		r.add(RuleNullifyAssumed, m.Node, string(form))
	}
}

func (r *reader) effectiveTime(m *Metadata) {
	switch {
	case !m.EffectiveTime.HasValue():
		r.add(RuleDocumentTime, at(m.EffectiveTime.Node, m.Node), "")
	case !m.EffectiveTime.Valid():
		r.addAttr(RuleDocumentTimeBad, m.EffectiveTime.Node, "value", m.EffectiveTime.Raw, finding.P("fault", m.EffectiveTime.Fault.String()))
	}
}

func (r *reader) documentParties(m *Metadata) {
	if len(m.Clients) == 0 {
		r.add(RuleDocumentClient, m.Node, "")
	}
	for _, c := range m.Clients {
		// A client without identity code has a null id and a date of birth (5.2).
		if !c.ID.HasValue() && (c.ID.NullFlavor == "" || !c.BirthTime.HasValue()) {
			r.add(RuleDocumentClientID, at(c.ID.Node, c.Node), "")
		}
	}
	if len(m.Authors) == 0 {
		r.add(RuleDocumentAuthor, m.Node, "")
	}
	switch id := m.Custodian.ID; {
	case !id.HasValue():
		r.add(RuleDocumentCustodian, at(id.Node, at(m.Custodian.Node, m.Node)), "")
	case !cda.ValidOID(id.Root):
		r.addAttr(RuleDocumentCustodianOID, id.Node, "root", id.Root)
	}
}

// replacement judges what a replacing frame has more (kanta-interface 10.1).
func (r *reader) replacement(m *Metadata) {
	if r.f.Interaction.Operation != interactions.Replace || r.f.NullifiesByFrame() {
		return
	}
	replaces := slices.ContainsFunc(m.Related, func(d cda.RelatedDocument) bool { return d.TypeCode == "RPLC" && d.ID.HasValue() })
	if !replaces {
		r.add(RuleDocumentRelated, m.Node, "")
	}
	r.needs(m.Reason.HasValue(), m.Reason.Node, RuleDocumentReason)
}

func (r *reader) needs(present bool, n xmltree.Node, rule string) {
	if !present {
		r.add(rule, at(n, r.f.Document.Node), "")
	}
}

// oid judges a mandatory identifier of a document.
func (r *reader) oid(id cda.ID, missing, wrong string) {
	if id.Root == "" {
		r.add(missing, at(id.Node, r.f.Document.Node), "")
		return
	}
	if fault, _ := cda.CheckOID(id.Root); fault != cda.OIDOk {
		r.addAttr(wrong, id.Node, "root", id.Root, finding.P("fault", fault.String()))
	}
}
