(* Top-k selection of experts.  A top-k set of a score vector is a set of k
   experts each of which scores at least as high as every expert outside; a
   top-k rule picks one such set for every score vector.  Ties are left open:
   the theorems about rules only ask for the invariances they use, and
   [topk_index] shows that a rule with all of them exists. *)
From mathcomp Require Import all_ssreflect all_algebra.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section TopK.
Variables (R : realFieldType) (E k : nat).
Implicit Types (s : 'cV[R]_E) (T : {set 'I_E}).

(* T is a top-k set of s: k experts, none beaten by an outsider. *)
Definition is_topk s T :=
  #|T| = k /\ forall i j, i \in T -> j \notin T -> s j 0 <= s i 0.

(* T is a top-k set of s with strict margins (no tie at the boundary). *)
Definition is_strict_topk s T :=
  #|T| = k /\ forall i j, i \in T -> j \notin T -> s j 0 < s i 0.

Definition topk_rule (f : 'cV[R]_E -> {set 'I_E}) := forall s, is_topk s (f s).

(* Tie-breaking that ignores a common shift, resp. a positive rescaling. *)
Definition shift_invariant (f : 'cV[R]_E -> {set 'I_E}) :=
  forall s (c : R), f (s + const_mx c) = f s.
Definition scale_invariant (f : 'cV[R]_E -> {set 'I_E}) :=
  forall s (c : R), 0 < c -> f (c *: s) = f s.

Lemma strict_topk s T : is_strict_topk s T -> is_topk s T.
Proof. by case=> h1 h2; split=> // i j iT jT; apply: ltW; apply: h2. Qed.

(* Two different sets of equal size: each has a member the other lacks. *)
Lemma set_diff_pair T T' : #|T| = #|T'| -> T != T' ->
  exists i j, [/\ i \in T, i \notin T', j \in T' & j \notin T].
Proof.
move=> card_eq neq.
have [sub|] := boolP (T \subset T').
  by case/negP: neq; rewrite eqEcard sub card_eq leqnn.
case/subsetPn => i iT iT'.
have [sub|] := boolP (T' \subset T).
  by case/negP: neq; rewrite eq_sym eqEcard sub card_eq leqnn.
by case/subsetPn => j jT' jT; exists i, j.
Qed.

Lemma strict_topk_unique s T T' : is_strict_topk s T -> is_topk s T' -> T' = T.
Proof.
case=> cT hT [cT' hT']; apply/eqP; apply: contraT => neq.
have [|i [j [iT' iT jT jT']]] := @set_diff_pair T' T _ neq; first by rewrite cT cT'.
by have := lt_le_trans (hT _ _ jT iT) (hT' _ _ iT' jT'); rewrite ltxx.
Qed.

Lemma topk_rule_strict f s T : topk_rule f -> is_strict_topk s T -> f s = T.
Proof. by move=> hf hT; apply: strict_topk_unique hT (hf s). Qed.

Lemma is_strict_topkZ s T (c : R) : 0 < c -> is_strict_topk s T ->
  is_strict_topk (c *: s) T.
Proof.
move=> c0 [cT hT]; split=> // i j iT jT.
by rewrite !mxE ltr_pmul2l //; apply: hT.
Qed.

End TopK.

(* A set that is top-k both for a and for -a leaves only constant score vectors. *)
Lemma topk_opp_const (R : realFieldType) (E k : nat) (a : 'cV[R]_E) T :
  (0 < k < E)%N -> is_topk k a T -> is_topk k (- a) T ->
  forall i j, a i 0 = a j 0.
Proof.
case/andP=> k0 kE [cT hT] [_ hT'].
have [i0 i0T] : exists i, i \in T by apply/set0Pn; rewrite -card_gt0 cT.
have [j0 j0T] : exists j, j \notin T.
  apply/existsP; rewrite -negb_forall; apply/negP => /forallP allT.
  have : [set: 'I_E] \subset T by apply/subsetP => x _; apply: allT.
  by move/subset_leq_card; rewrite cardsT card_ord cT leqNgt kE.
have inout i j : i \in T -> j \notin T -> a i 0 = a j 0.
  move=> iT jT; apply/eqP; rewrite eq_le (hT i j iT jT) andbT.
  by have := hT' _ _ iT jT; rewrite !mxE ler_opp2.
have allj0 i : a i 0 = a j0 0.
  have [iT|iT] := boolP (i \in T); first exact: inout.
  by rewrite -(inout _ _ i0T iT) (inout _ _ i0T j0T).
by move=> i j; rewrite allj0 -(allj0 j).
Qed.

(* A concrete rule: higher score first, ties broken by the smaller index. *)
Section IndexRule.
Variables (R : realFieldType) (E k : nat).
Implicit Types (s : 'cV[R]_E).

Definition beats s (j i : 'I_E) :=
  (s i 0 < s j 0) || ((s i 0 == s j 0) && (j < i)%N).
Definition rank s i := #|[set j | beats s j i]|.
Definition topk_index s := [set i | (rank s i < k)%N].

Lemma beats_irr s i : beats s i i = false.
Proof. by rewrite /beats ltxx ltnn andbF. Qed.

Lemma beats_trans s i j l : beats s i j -> beats s j l -> beats s i l.
Proof.
rewrite /beats => /orP[h1|/andP[/eqP h1 h1']] /orP[h2|/andP[/eqP h2 h2']].
- by rewrite (lt_trans h2 h1).
- by rewrite h2 h1.
- by rewrite -h1 h2.
- by rewrite h2 h1 eqxx (ltn_trans h1' h2') orbT.
Qed.

Lemma beats_total s i j : i != j -> beats s i j || beats s j i.
Proof.
move=> neq; rewrite /beats; case: (ltgtP (s i 0) (s j 0)) => //= _.
by rewrite -neq_ltn.
Qed.

Lemma rank_lt s i j : beats s i j -> (rank s i < rank s j)%N.
Proof.
move=> bij; apply: proper_card; apply/properP; split.
  by apply/subsetP => l; rewrite !inE => /beats_trans; apply.
by exists i; rewrite !inE // beats_irr.
Qed.

Lemma rank_ltE s i : (rank s i < E)%N.
Proof.
rewrite -[X in (_ < X)%N]card_ord -cardsT; apply: proper_card.
by apply/properP; split; [apply: subsetT | exists i; rewrite !inE // beats_irr].
Qed.

Lemma rank_inj s : injective (fun i => Ordinal (rank_ltE s i)).
Proof.
move=> i j /(congr1 val) /= rij; apply/eqP; apply: contraT => /(beats_total s).
by case/orP => /rank_lt; rewrite rij ltnn.
Qed.

Lemma topk_index_rule : (k <= E)%N -> topk_rule k topk_index.
Proof.
move=> kE s; split; last first.
  move=> i j; rewrite !inE => ik jk; rewrite leNgt; apply/negP => sij.
  have : beats s j i by rewrite /beats sij.
  by move/rank_lt => rji; case/negP: jk; apply: ltn_trans rji ik.
pose f i := Ordinal (rank_ltE s i).
have <- : #|[set i : 'I_E | (i < k)%N]| = k.
  by rewrite -sum1dep_card (big_ord_narrow kE) sum1_card card_ord.
rewrite -(card_imset _ (@rank_inj s)); apply: eq_card => l.
have [g _ fg] : bijective f by apply: injF_bij; apply: rank_inj.
apply/imsetP/idP => [[i]|]; first by rewrite !inE => ik ->.
by rewrite inE => lk; exists (g l); rewrite ?inE -?/(f _) ?fg // -[rank _ _]/(val (f (g l))) fg.
Qed.

Lemma topk_index_order s s' :
  (forall i j, (s i 0 < s j 0) = (s' i 0 < s' j 0)) -> topk_index s = topk_index s'.
Proof.
move=> h; apply/setP => i; rewrite !inE; congr (_ < _)%N; apply: eq_card => j.
rewrite !inE /beats h; congr (_ || (_ && _)).
by rewrite !eq_le !leNgt !h.
Qed.

Lemma topk_index_shift : shift_invariant topk_index.
Proof. by move=> s c; apply: topk_index_order => i j; rewrite !mxE ltr_add2r. Qed.

Lemma topk_index_scale : scale_invariant topk_index.
Proof. by move=> s c c0; apply: topk_index_order => i j; rewrite !mxE ltr_pmul2l. Qed.

End IndexRule.
