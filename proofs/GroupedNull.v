(* RG-3: chance overlap under group-limited routing.  A token keeps g of h groups
   of m experts each and then k of their g m experts; or it takes a fixed number of
   experts of every group.  Choices are uniform, so means are finite averages. *)
From mathcomp Require Import all_ssreflect all_algebra all_fingroup.
From Routegauge Require Import FieldTactics.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

(* Sets of k elements between W and U. *)
Lemma card_between (T : finType) (W U : {set T}) k : W \subset U -> (#|W| <= k)%N ->
  #|[set A : {set T} | [&& W \subset A, A \subset U & #|A| == k]]| = 'C(#|U| - #|W|, k - #|W|).
Proof.
move=> WU Wk; have cU : #|U :\: W| = (#|U| - #|W|)%N by rewrite cardsD (setIidPr WU).
rewrite -cU -cards_draws.
have inj : {in [set A : {set T} | [&& W \subset A, A \subset U & #|A| == k]] &,
    injective (fun A => A :\: W)}.
  move=> A B; rewrite !inE => /and3P[WA _ _] /and3P[WB _ _] e.
  by rewrite -(setID A W) -(setID B W) e (setIidPr WA) (setIidPr WB).
rewrite -(card_in_imset inj); apply: eq_card => B; apply/imsetP/idP => [[A]|].
  rewrite !inE => /and3P[WA AU /eqP cA] ->.
  by rewrite setSD //= cardsD (setIidPr WA) cA.
rewrite !inE subsetD => /andP[/andP[BU BW] /eqP cB]; exists (B :|: W); last first.
  rewrite setDUl setDv setU0; apply/esym/setDidPl.
  by rewrite disjoint_sym disjoint_sym.
rewrite !inE subsetUr subUset BU WU /= cardsU (eqP (_ : B :&: W == set0)) ?setI_eq0 //.
by rewrite cards0 subn0 cB subnK.
Qed.

Section Binomials.
Variable R : realFieldType.
Add Field bin_field : (mc_field_theory R).

Lemma bin_one n k : (0 < k <= n)%N -> 'C(n.-1, k.-1)%:R = k%:R / n%:R * 'C(n, k)%:R :> R.
Proof.
case/andP=> k0 kn; have n0 : n%:R != 0 :> R by rewrite pnatr_eq0 -lt0n (leq_trans k0).
apply: (mulfI n0); transitivity (k%:R * 'C(n, k)%:R : R).
  by rewrite -!natrM -[in RHS](prednK k0) mul_bin_diag.
by mfield R; apply/eqP.
Qed.

Lemma bin_two n k : (1 < k <= n)%N -> 'C(n.-2, k.-2)%:R =
  k%:R * (k%:R - 1) / (n%:R * (n%:R - 1)) * 'C(n, k)%:R :> R.
Proof.
case/andP=> k1 kn; have n1 := leq_trans k1 kn.
have k0 := ltnW k1; have n0 := ltnW n1.
rewrite bin_one; last by rewrite -!subn1 subn_gt0 k1 leq_sub2r.
rewrite bin_one ?k0 // -!subn1 !natrB //.
have nn : n%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
have nn1 : n%:R - 1 != 0 :> R by rewrite -(natrB R n0) pnatr_eq0 subn_eq0 -ltnNge.
by mfield R; split; apply/eqP.
Qed.

End Binomials.

Section Grouped.
Variables (R : realFieldType) (E h m g k : nat) (grp : 'I_E -> 'I_h).
Hypothesis group_size : forall j, #|[set e | grp e == j]| = m.
Hypothesis m0 : (0 < m)%N.
Hypothesis g0 : (0 < g <= h)%N.
Hypothesis k0 : (0 < k <= g * m)%N.
Add Field grouped_field : (mc_field_theory R).

(* The experts of the groups in C. *)
Definition members (C : {set 'I_h}) : {set 'I_E} := [set e | grp e \in C].

Lemma card_members C : #|members C| = (#|C| * m)%N.
Proof.
rewrite -sum1dep_card (partition_big grp (fun j => j \in C)) //= -sum_nat_const.
apply: eq_bigr => j jC; rewrite -(group_size j) -sum1dep_card; apply: eq_bigl => e.
by case: eqP => [->|]; rewrite ?jC ?andbF.
Qed.

Lemma card_experts : E = (h * m)%N.
Proof.
have := card_members setT; rewrite !cardsT !card_ord => <-.
by rewrite -[LHS]card_ord -cardsT; apply: eq_card => e; rewrite !inE.
Qed.

(* What a token may choose: groups and, among their experts, its set. *)
Definition choices : {set {set 'I_h} * {set 'I_E}} :=
  [set w : {set 'I_h} * {set 'I_E} | [&& #|w.1| == g, w.2 \subset members w.1 & #|w.2| == k]].

(* The choices that contain W. *)
Lemma card_containing (W : {set 'I_E}) : (#|W| <= k)%N -> (#|grp @: W| <= g)%N ->
  #|[set w in choices | W \subset w.2]| =
  ('C(h - #|grp @: W|, g - #|grp @: W|) * 'C(g * m - #|W|, k - #|W|))%N.
Proof.
move=> Wk Jg; set J := grp @: W.
rewrite -sum1dep_card (eq_bigl (fun w : {set 'I_h} * {set 'I_E} =>
  (#|w.1| == g) && [&& W \subset w.2, w.2 \subset members w.1 & #|w.2| == k])); last first.
  by move=> w; rewrite inE -!andbA; congr (_ && _); rewrite andbA andbC.
rewrite -(pair_big_dep (fun C : {set 'I_h} => #|C| == g)
  (fun (C : {set 'I_h}) (A : {set 'I_E}) => [&& W \subset A, A \subset members C & #|A| == k]) (fun _ _ => 1%N)) /=.
rewrite (bigID (fun C : {set 'I_h} => J \subset C)) /= [X in (_ + X)%N]big1 ?addn0; last first.
  move=> C /andP[_ JC]; rewrite sum1dep_card; apply/eqP; rewrite cards_eq0 -subset0.
  apply/subsetP => A; rewrite !inE => /and3P[WA AC _]; case/negP: JC.
  apply/subsetP => j /imsetP[e eW ->].
  by have := subsetP AC e (subsetP WA e eW); rewrite inE.
rewrite (eq_bigr (fun=> 'C(g * m - #|W|, k - #|W|))); last first.
  move=> C /andP[/eqP cC JC]; rewrite sum1dep_card card_between ?card_members ?cC //.
  by apply/subsetP => e eW; rewrite inE (subsetP JC) // imset_f.
rewrite sum_nat_const; congr (_ * _)%N.
have := @card_between _ J setT g (subsetT _) Jg; rewrite cardsT card_ord => <-.
by apply: eq_card => C; rewrite !inE subsetT /= andbC.
Qed.

Definition total : R := 'C(h, g)%:R * 'C(g * m, k)%:R.

Lemma card_choices : #|choices|%:R = total.
Proof.
have -> : #|choices| = #|[set w in choices | set0 \subset w.2]|.
  by apply: eq_card => w; rewrite !inE sub0set andbT.
by rewrite card_containing ?imset0 ?cards0 // !subn0 natrM.
Qed.

Lemma total_neq0 : total != 0.
Proof.
rewrite /total -natrM pnatr_eq0 -lt0n muln_gt0 !bin_gt0.
by case/andP: g0 => _ ->; case/andP: k0 => _ ->.
Qed.

Let hR := h%:R : R.
Let gR := g%:R : R.
Let kR := k%:R : R.
Let mR := m%:R : R.

Lemma hn : hR != 0. Proof. by rewrite pnatr_eq0 -lt0n; case/andP: g0 => /leq_trans H /H. Qed.
Lemma gn : gR != 0. Proof. by rewrite pnatr_eq0 -lt0n; case/andP: g0. Qed.
Lemma kn : kR != 0. Proof. by rewrite pnatr_eq0 -lt0n; case/andP: k0. Qed.
Lemma mn : mR != 0. Proof. by rewrite pnatr_eq0 -lt0n. Qed.
Lemma E_R : E%:R = hR * mR. Proof. by rewrite {1}card_experts natrM. Qed.

(* Number of choices that contain e, and that contain e and f. *)
Definition incl1 e : R := \sum_(w in choices) (e \in w.2)%:R.
Definition incl2 e f : R := \sum_(w in choices) ((e \in w.2) && (f \in w.2))%:R.

Lemma incl_card (W : {set 'I_E}) :
  \sum_(w in choices) (W \subset w.2)%:R = #|[set w in choices | W \subset w.2]|%:R :> R.
Proof.
rewrite -sum1_card natr_sum big_mkcond [RHS]big_mkcond; apply: eq_bigr => w _.
by rewrite !inE; case: (_ && _); case: (W \subset _).
Qed.

Lemma incl1E e : incl1 e = kR / (hR * mR) * total.
Proof.
have -> : incl1 e = \sum_(w in choices) ([set e] \subset w.2)%:R.
  by apply: eq_bigr => w _; rewrite sub1set.
case/andP: g0 => g1 gh; case/andP: k0 => k1 kgm.
rewrite incl_card card_containing ?imset_set1 ?cards1 // !subn1 natrM !bin_one ?g1 ?k1 //.
rewrite /total natrM -/gR -/hR -/kR -/mR; move: hn gn mn => h1 g2 m1.
by mfield R; repeat split; apply/eqP.
Qed.

(* Probability that two given experts of the kept groups are both chosen. *)
Definition kappa : R := k%:R * (k%:R - 1) / ((g%:R * m%:R) * (g%:R * m%:R - 1)).

Lemma incl2E e f : e != f -> (1 < g * m)%N ->
  incl2 e f = (if grp e == grp f then gR / hR else gR * (gR - 1) / (hR * (hR - 1))) * kappa * total.
Proof.
move=> ef gm1; case/andP: g0 => g1 gh; case/andP: k0 => k1 kgm.
have gm1R : gR * mR - 1 != 0.
  by rewrite -natrM -(natrB R (ltnW gm1)) pnatr_eq0 subn_eq0 -ltnNge.
have c2 : #|[set e; f]| = 2%N by rewrite cards2 ef.
have -> : incl2 e f = \sum_(w in choices) ([set e; f] \subset w.2)%:R.
  by apply: eq_bigr => w _; rewrite subUset !sub1set.
have zero : (forall w, w \in choices -> ~~ ([set e; f] \subset w.2)) ->
    \sum_(w in choices) ([set e; f] \subset w.2)%:R = 0 :> R.
  by move=> none; apply: big1 => w wc; rewrite (negPf (none w wc)).
have [k2|k2] := ltnP 1 k; last first.
  have k1E : k = 1%N by apply/eqP; rewrite eqn_leq k2.
  rewrite zero /kappa; first by rewrite /kR k1E subrr mulr0 !(mul0r, mulr0).
  move=> w; rewrite inE => /and3P[_ _ /eqP cw]; apply/negP => /subset_leq_card.
  by rewrite c2 cw k1E.
have Jset : grp @: [set e; f] = [set grp e; grp f] by rewrite imsetU !imset_set1.
have cJ : #|[set grp e; grp f]| = (grp e != grp f).+1 by rewrite cards2.
have [same|diff] := eqVneq (grp e) (grp f).
  rewrite incl_card card_containing ?Jset ?cJ ?c2 ?same ?eqxx //= !subn1 !subn2 natrM.
  rewrite bin_one ?g1 // bin_two ?k2 // /total /kappa natrM -/gR -/hR -/kR -/mR.
  move: hn gn mn => h1 g2 m1.
  by mfield R; repeat split; apply/eqP.
have [g2|g2] := ltnP 1 g; last first.
  have g1E : g = 1%N by apply/eqP; rewrite eqn_leq g2.
  rewrite zero; first by rewrite /gR g1E subrr mulr0 !(mul0r, mulr0).
  move=> w; rewrite inE => /and3P[/eqP cw /subsetP sub _]; apply/negP.
  rewrite subUset !sub1set => /andP[ew fw].
  have : [set grp e; grp f] \subset w.1.
    by rewrite subUset !sub1set; have := sub e ew; have := sub f fw; rewrite !inE => -> ->.
  by move/subset_leq_card; rewrite cJ diff cw g1E.
rewrite incl_card card_containing ?Jset ?cJ ?c2 ?diff // !subn2 natrM.
rewrite bin_two ?g2 // bin_two ?k2 // /total /kappa natrM -/gR -/hR -/kR -/mR.
have h2 : (1 < h)%N by apply: leq_trans gh.
have hn1 : hR - 1 != 0 by rewrite -(natrB R (ltnW h2)) pnatr_eq0 subn_eq0 -ltnNge.
move: hn gn mn => h1 gn' m1.
by mfield R; repeat split; apply/eqP.
Qed.

(* Mean over the independent choices of two tokens. *)
Definition mean_pairs (f : {set 'I_E} -> {set 'I_E} -> R) : R :=
  (\sum_(w in choices) \sum_(v in choices) f w.2 v.2) / (#|choices|%:R * #|choices|%:R).

Lemma overlap_sum (A B : {set 'I_E}) :
  #|A :&: B|%:R = \sum_e (e \in A)%:R * (e \in B)%:R :> R.
Proof.
rewrite -sum1_card natr_sum big_mkcond; apply: eq_bigr => e _.
by rewrite inE; case: (e \in A); case: (e \in B); rewrite ?mulr0 ?mulr1.
Qed.

(* RG-3. (a) Group-limited routing leaves the mean chance overlap at k/E. *)
Theorem RG_3_a_mean_overlap :
  mean_pairs (fun A B => #|A :&: B|%:R / k%:R) = k%:R / E%:R.
Proof.
rewrite /mean_pairs card_choices.
have -> : \sum_(w in choices) \sum_(v in choices) #|w.2 :&: v.2|%:R / k%:R =
    (\sum_e incl1 e * incl1 e) / kR.
  under eq_bigr => w _ do rewrite -mulr_suml.
  rewrite -mulr_suml; congr (_ / _).
  under eq_bigr => w _ do under eq_bigr => v _ do rewrite overlap_sum.
  under eq_bigr => w _ do rewrite exchange_big.
  rewrite exchange_big; apply: eq_bigr => e _ /=.
  rewrite {1}/incl1 mulr_suml; apply: eq_bigr => w _; by rewrite /incl1 mulr_sumr.
rewrite (eq_bigr (fun=> (kR / (hR * mR) * total) * (kR / (hR * mR) * total))); last first.
  by move=> e _; rewrite incl1E.
rewrite sumr_const card_ord -[_ *+ E]mulr_natl E_R -/kR.
move: hn kn mn total_neq0 => h1 k1 m1 t1.
by mfield R; repeat split; apply/eqP.
Qed.

(* RG-3. (b) Given that both tokens keep the same groups C it is k/(g m), that is
   k h/(g E). *)
Theorem RG_3_b_same_groups (C : {set 'I_h}) : #|C| = g ->
  let draws := [set A : {set 'I_E} | A \subset members C & #|A| == k] in
  (\sum_(A in draws) \sum_(B in draws) #|A :&: B|%:R / k%:R) / (#|draws|%:R * #|draws|%:R) =
    k%:R / (g * m)%:R :> R /\
  k%:R / (g * m)%:R = (k * h)%:R / (g * E)%:R :> R.
Proof.
move=> cC draws; case/andP: k0 => k1 kgm.
have cd : #|draws| = 'C(g * m, k) by rewrite cards_draws card_members cC.
have cn : 'C(g * m, k)%:R != 0 :> R by rewrite pnatr_eq0 -lt0n bin_gt0.
have gmn : (g * m)%:R != 0 :> R by rewrite natrM mulf_neq0 ?gn ?mn.
split; last first.
  rewrite !natrM E_R -/hR -/gR -/kR -/mR; move: hn gn mn => h1 g1 m1.
  by mfield R; repeat split; apply/eqP.
pose inc e : R := \sum_(A in draws) (e \in A)%:R.
have incE e : inc e = (if e \in members C then k%:R / (g * m)%:R * 'C(g * m, k)%:R else 0).
  case: ifP => eC; last first.
    apply: big1 => A; rewrite inE => /andP[/subsetP AC _].
    by case: (boolP (e \in A)) => // /AC; rewrite eC.
  rewrite -bin_one ?k1 //; have := @card_between _ [set e] (members C) k.
  rewrite sub1set eC cards1 k1 card_members cC !subn1 => <- //.
  rewrite -sum1_card natr_sum /inc big_mkcond [RHS]big_mkcond; apply: eq_bigr => A _.
  by rewrite !inE sub1set; case: (e \in A); case: (_ && _).
have -> : \sum_(A in draws) \sum_(B in draws) #|A :&: B|%:R / k%:R = (\sum_e inc e * inc e) / kR.
  under eq_bigr => w _ do rewrite -mulr_suml.
  rewrite -mulr_suml; congr (_ / _).
  under eq_bigr => w _ do under eq_bigr => v _ do rewrite overlap_sum.
  under eq_bigr => w _ do rewrite exchange_big.
  rewrite exchange_big; apply: eq_bigr => e _ /=.
  by rewrite {1}/inc mulr_suml; apply: eq_bigr => w _; rewrite /inc mulr_sumr.
rewrite (eq_bigr (fun e => if e \in members C then
   (k%:R / (g * m)%:R * 'C(g * m, k)%:R) * (k%:R / (g * m)%:R * 'C(g * m, k)%:R) else 0)); last first.
  by move=> e _; rewrite incE; case: ifP; rewrite ?mulr0.
rewrite -big_mkcond sumr_const card_members cC -[_ *+ (g * m)]mulr_natl cd.
move: kn cn gmn => k2 c1 n1; rewrite -/kR.
by mfield R; repeat split; apply/eqP.
Qed.

(* RG-3. (c) The second moment of the count |A /\ B|: its variance does change. *)
Theorem RG_3_c_second_moment : (1 < g * m)%N -> (1 < h)%N ->
  let ps := g%:R / h%:R * kappa in
  let pd := g%:R * (g%:R - 1) / (h%:R * (h%:R - 1)) * kappa in
  mean_pairs (fun A B => #|A :&: B|%:R ^+ 2) =
  k%:R ^+ 2 / E%:R + E%:R * (m%:R - 1) * ps ^+ 2 + E%:R * (E%:R - m%:R) * pd ^+ 2.
Proof.
move=> gm1 h1 ps pd; rewrite /mean_pairs card_choices.
have -> : \sum_(w in choices) \sum_(v in choices) #|w.2 :&: v.2|%:R ^+ 2 =
    \sum_e \sum_f incl2 e f * incl2 e f.
  transitivity (\sum_(w in choices) \sum_(v in choices) \sum_e \sum_f
     ((e \in w.2) && (f \in w.2))%:R * ((e \in v.2) && (f \in v.2))%:R : R).
    apply: eq_bigr => w _; apply: eq_bigr => v _; rewrite expr2 overlap_sum mulr_suml.
    apply: eq_bigr => e _; rewrite mulr_sumr; apply: eq_bigr => f _.
    by rewrite -!natrM !mulnb andbACA.
  under eq_bigr => w _ do rewrite exchange_big.
  rewrite exchange_big; apply: eq_bigr => e _ /=.
  under eq_bigr => w _ do rewrite exchange_big.
  rewrite exchange_big; apply: eq_bigr => f _ /=.
  by rewrite {1}/incl2 mulr_suml; apply: eq_bigr => w _; rewrite /incl2 mulr_sumr.
have row e : \sum_f incl2 e f * incl2 e f =
    (kR / (hR * mR) * total) ^+ 2 + (mR - 1) * (ps * total) ^+ 2 + (E%:R - mR) * (pd * total) ^+ 2.
  have diag : incl2 e e = kR / (hR * mR) * total.
    by rewrite -(incl1E e); apply: eq_bigr => w _; rewrite andbb.
  have same c : \sum_(f | grp f == grp e) c = mR * c :> R.
    rewrite sumr_const -[_ *+ _]mulr_natl; congr (_%:R * _).
    by rewrite -(group_size (grp e)); apply: eq_card => f; rewrite !inE.
  have others c : \sum_(f | (grp f == grp e) && (f != e)) c = (mR - 1) * c :> R.
    by have := same c; rewrite (bigD1 e) //= mulrBl mul1r => <-; rewrite addrAC subrr add0r.
  have far c : \sum_(f | grp f != grp e) c = (E%:R - mR) * c :> R.
    have : \sum_(f < E) c = E%:R * c :> R by rewrite sumr_const card_ord mulr_natl.
    rewrite (bigID (fun f => grp f == grp e)) /= same mulrBl => <-.
    by rewrite addrAC subrr add0r.
  rewrite (bigID (fun f => grp f == grp e)) (bigD1 e) //= diag -addrA -expr2 -addrA; congr (_ + _).
  rewrite -others -far; congr (_ + _); apply: eq_bigr => f.
    by move=> /andP[/eqP fe ne]; rewrite incl2E 1?eq_sym // fe eqxx -expr2.
  move=> ne; rewrite incl2E //; last by apply: contraNneq ne => ->.
  by rewrite eq_sym (negPf ne) -expr2.
rewrite (eq_bigr _ (fun e _ => row e)) sumr_const card_ord -[_ *+ E]mulr_natl.
rewrite E_R; move: hn kn mn total_neq0 => h2 k2 m2 t2; rewrite -/kR -/mR.
have hm : hR * mR != 0 by rewrite mulf_neq0.
by mfield R; repeat split; apply/eqP.
Qed.

End Grouped.

(* A fixed number of experts from every group; groups may differ in size. *)
Section Quotas.
Variables (R : realFieldType) (E h : nat) (grp : 'I_E -> 'I_h) (quota : 'I_h -> nat).
Definition group j : {set 'I_E} := [set e | grp e == j].
Hypothesis quota_le : forall j, (quota j <= #|group j|)%N.
Add Field quotas_field : (mc_field_theory R).

Definition family : {set {set 'I_E}} :=
  [set A : {set 'I_E} | [forall j, #|A :&: group j| == quota j]].

Lemma family_neq0 : #|family|%:R != 0 :> R.
Proof.
rewrite pnatr_eq0 -lt0n; apply/card_gt0P.
pose pick j := [set e in take (quota j) (enum (group j))].
exists [set e | e \in pick (grp e)]; rewrite inE; apply/forallP => j; apply/eqP.
have -> : [set e | e \in pick (grp e)] :&: group j = pick j.
  apply/setP => e; rewrite !inE; case: eqP => [->|ne]; first by rewrite andbT.
  rewrite andbF; apply/esym/negP => /mem_take; rewrite mem_enum inE => /eqP; exact: ne.
rewrite cardsE (card_uniqP _) ?take_uniq ?enum_uniq //.
by rewrite size_take_min -cardE; apply/minn_idPl.
Qed.

Definition included e : R := \sum_(A in family) (e \in A)%:R.

Lemma included_same e f : grp e = grp f -> included e = included f.
Proof.
move=> ef; pose s := tperm e f.
have grp_s x : grp (s x) = grp x by rewrite /s; case: tpermP => [->|->|//].
rewrite /included (reindex_inj (imset_inj (@perm_inj _ s))) /=.
apply: eq_big => [A|A _]; last by rewrite -{1}(tpermR e f) mem_imset //; apply: perm_inj.
rewrite !inE; apply: eq_forallb => j; congr (_ == _).
rewrite -[RHS](card_imset _ (@perm_inj _ s)); apply: eq_card => x.
rewrite -[x](tpermK e f) -/s mem_imset; last exact: perm_inj.
by rewrite !inE mem_imset ?grp_s //; apply: perm_inj.
Qed.

Lemma includedE e : included e * #|group (grp e)|%:R = (quota (grp e))%:R * #|family|%:R.
Proof.
transitivity (\sum_(f in group (grp e)) included f).
  rewrite (eq_bigr (fun=> included e)) => [|f]; first by rewrite sumr_const mulr_natr.
  by rewrite inE => /eqP fe; apply: included_same.
rewrite exchange_big /= (eq_bigr (fun=> (quota (grp e))%:R)) => [|A].
  by rewrite sumr_const mulr_natr.
rewrite inE => /forallP/(_ (grp e))/eqP <-; rewrite -sum1_card natr_sum big_mkcond [RHS]big_mkcond.
by apply: eq_bigr => f _; rewrite in_setI andbC; case: (f \in group _); case: (f \in A).
Qed.

(* RG-3. (d) With fixed quotas k_j of groups of m_j experts the mean overlap is the
   sum of k_j^2/m_j over k, the sum of the quotas. *)
Theorem RG_3_d_fixed_quotas :
  let k := (\sum_j quota j)%N in
  (\sum_(A in family) \sum_(B in family) #|A :&: B|%:R / k%:R) / (#|family|%:R * #|family|%:R) =
  (\sum_j (quota j)%:R ^+ 2 / #|group j|%:R) / k%:R :> R.
Proof.
move=> k; have F0 := family_neq0.
have -> : \sum_(A in family) \sum_(B in family) #|A :&: B|%:R / k%:R =
    (\sum_e included e * included e) / k%:R.
  under eq_bigr => w _ do rewrite -mulr_suml.
  rewrite -mulr_suml; congr (_ / _).
  under eq_bigr => w _ do under eq_bigr => v _ do rewrite overlap_sum.
  under eq_bigr => w _ do rewrite exchange_big.
  rewrite exchange_big; apply: eq_bigr => e _ /=.
  by rewrite {1}/included mulr_suml; apply: eq_bigr => w _; rewrite /included mulr_sumr.
rewrite mulrAC; congr (_ / _); rewrite (partition_big grp xpredT) //= mulr_suml.
apply: eq_bigr => j _; have [z|n0] := eqVneq (#|group j|%:R : R) 0.
  rewrite z invr0 mulr0 big_pred0 ?mul0r // => e; apply/negP => ej.
  move/eqP: z; rewrite pnatr_eq0 cards_eq0 => /eqP/setP/(_ e).
  by rewrite !inE ej.
have inc e : grp e == j -> included e = (quota j)%:R * #|family|%:R / #|group j|%:R.
  by move=> /eqP ej; move: n0; rewrite -ej => n0; rewrite -includedE mulfK.
rewrite (eq_bigr (fun=> ((quota j)%:R * #|family|%:R / #|group j|%:R) ^+ 2)); last first.
  by move=> e ej; rewrite inc // expr2.
have -> : \sum_(e | grp e == j) ((quota j)%:R * #|family|%:R / #|group j|%:R) ^+ 2 =
    #|group j|%:R * ((quota j)%:R * #|family|%:R / #|group j|%:R) ^+ 2 :> R.
  by rewrite [RHS]mulr_natl sumr_const; congr (_ *+ _); apply: eq_card => e; rewrite !inE.

have aux (q x y : R) : x != 0 -> y != 0 -> y * (q * x / y) ^+ 2 / (x * x) = q ^+ 2 / y.
  by move=> x0 y0; mfield R; split; apply/eqP.
exact: aux.
Qed.

End Quotas.
