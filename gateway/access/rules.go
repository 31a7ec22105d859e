package access

// The rules of access, as they stand in the catalogue's access.yaml and, where the
// organisation register is concerned, organisations.yaml.
const (
	ofProfileFetch  = "ACCESS-PROFILE-FETCH"
	ofProfileStore  = "ACCESS-PROFILE-STORE"
	ofProfileOld    = "ACCESS-PROFILE-OLD"
	ofRegistryRight = "ACCESS-REGISTRY-RIGHT"

	RuleJoined        = "ACCESS-ORGANISATION-JOINED"
	RuleStrong        = "ACCESS-AUTHENTICATION-STRONG"
	RuleConnection    = "ACCESS-CONNECTION-MISSING"
	RuleOwnConnection = "ACCESS-CONNECTION-OWN"
	RuleSituation     = "ACCESS-SITUATION-OWN"
	RuleNullified     = "ACCESS-DOCUMENT-NULLIFIED"
	RuleWorkTask      = "ACCESS-WORKTASK-BEYOND"

	RuleClosedOld    = "ACCESS-CLOSED-OLD"
	RuleClosedPhase1 = "ACCESS-CLOSED-PHASE1"
	RuleClosedKind   = "ACCESS-CLOSED-KIND"
	RuleInforming    = "ACCESS-INFORMING-MISSING"
	RulePermission   = "ACCESS-PERMISSION-MISSING"
	// RuleAllProhibited: all data, by a negative permission.
	RuleAllProhibited        = "ACCESS-PROHIBITED-ALL"
	RuleProhibitedController = "ACCESS-PROHIBITED-CONTROLLER"
	RuleProhibitedTask       = "ACCESS-PROHIBITED-TASK"
	RuleProhibitedDocument   = "ACCESS-PROHIBITED-DOCUMENT"

	RuleCitizenPhase      = "ACCESS-CITIZEN-PHASE"
	RuleCitizenRestricted = "ACCESS-CITIZEN-RESTRICTED"
	RuleGuardian          = "ACCESS-GUARDIAN-MINOR"

	RuleCaseUnknown = "ACCESS-CASE-UNKNOWN"
	RuleCaseClosed  = "ACCESS-CASE-CLOSED"
	RuleCaseClient  = "ACCESS-CASE-CLIENT"
	RuleCaseTask    = "ACCESS-CASE-TASK"
	// RuleCaseSecond, RuleRelationshipSecond: a new series beside the one that is there.
	RuleCaseSecond          = "ACCESS-CASE-SECOND"
	RuleRelationshipSecond  = "ACCESS-RELATIONSHIP-SECOND"
	RuleRelationshipUnknown = "ACCESS-RELATIONSHIP-UNKNOWN"
	RuleRelationshipEnded   = "ACCESS-RELATIONSHIP-ENDED"
	// RulePermissionEarly: a permission is stored before the client was informed.
	RulePermissionEarly = "ACCESS-PERMISSION-UNINFORMED"
)

// Rules lists every rule that this package names itself.
var Rules = []string{
	RuleJoined, RuleStrong, RuleConnection, RuleOwnConnection, RuleSituation, RuleNullified, RuleWorkTask,
	RuleClosedOld, RuleClosedPhase1, RuleClosedKind, RuleInforming, RulePermission,
	RuleAllProhibited, RuleProhibitedController, RuleProhibitedTask, RuleProhibitedDocument,
	RuleCitizenPhase, RuleCitizenRestricted, RuleGuardian,
	RuleCaseUnknown, RuleCaseClosed, RuleCaseClient, RuleCaseTask, RuleRelationshipUnknown, RuleRelationshipEnded, RulePermissionEarly,
	RuleCaseSecond, RuleRelationshipSecond,
}
